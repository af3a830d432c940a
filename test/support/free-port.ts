/**
 * A port that was free a moment ago. Another process may take it before it is bound, but not by connecting somewhere: it is
 * none of those that Linux gives to outgoing connections, of which the tests beside this one open thousands.
 */
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { listenOnLoopback } from './listen.ts';

const FIRST_PORT = 10_240;
const END_PORT = 32_768;
const MOST_TRIES = 100;

/** @throws the fault of the last port when none of many is free. */
export async function findFreePort(): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const server = createServer();
    try {
      const port = await listenOnLoopback(server, randomInt(FIRST_PORT, END_PORT));
      await server[Symbol.asyncDispose]();
      return port;
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
    }
  }
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
