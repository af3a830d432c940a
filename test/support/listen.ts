/** A server of the test's own on loopback. */
import { once } from 'node:events';
import type { Server } from 'node:net';

/** Resolves with the port that it was given. @param wanted 0: any. @throws what the server could not listen for. */
export async function listenOnLoopback(server: Server, wanted = 0): Promise<number> {
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening'); // Rejects when an error comes first.
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server on loopback has a port');
  return address.port;
}
