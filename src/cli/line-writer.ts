/** Lines to a stream that may be slower than we are, or go away. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Lines are handed over in pieces of about this many characters. */
const WRITE_CHUNK_LENGTH = 65_536;

export interface LineWriter {
  readonly write: (line: string) => Promise<void>;
  readonly flush: () => Promise<void>;
  readonly end: () => Promise<void>;
  /** True once the reader has gone away. */
  readonly isClosed: () => boolean;
}

/** Gathers lines, waits when the reader is slower, takes a reader that went away (EPIPE) for an answer and not a fault. */
export function createLineWriter(stream: Writable): LineWriter {
  let pending = '';
  let fault: NodeJS.ErrnoException | null = null;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    fault = error;
  });
  const isClosed = () => fault?.code === 'EPIPE';

  async function flush(): Promise<void> {
    if (fault !== null && !isClosed()) throw fault;
    const chunk = pending;
    pending = '';
    if (chunk === '' || isClosed()) return;
    await new Promise<void>((resolve, reject) => {
      // The callback comes when the chunk has gone out, so nothing gathers here while the reader is slow.
      stream.write(chunk, (error) => (error && !isClosed() && !isBrokenPipe(error) ? reject(error) : resolve()));
    });
  }

  return {
    async write(line) {
      pending += `${line}\n`;
      if (pending.length >= WRITE_CHUNK_LENGTH) await flush();
    },
    flush,
    async end() {
      await flush();
      const finished = once(stream, 'finish');
      stream.end();
      await finished;
    },
    isClosed,
  };
}

function isBrokenPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE';
}
