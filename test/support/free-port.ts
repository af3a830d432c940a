/** A port that was free a moment ago. Another process may take it before it is bound: who uses it must be ready to ask again. */
import { connect, createServer } from 'node:net';
import { listenOnLoopback } from './listen.ts';

export async function findFreePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  await server[Symbol.asyncDispose]();
  return port;
}

export async function isPortOpen(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  const isOpen = await promise;
  socket.destroy();
  return isOpen;
}
