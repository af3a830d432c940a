/**
 * What a service holds on to, apart from what it has not swept yet: memory after a collection that its inspector is asked
 * for. Only of a service that was started with `INSPECTED`.
 */
import type { SurgewatchProcess } from '../support/surgewatch-process.ts';

export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

export interface LiveMemory {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

interface InspectorAnswer {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: string } };
}

/** @throws Error when the service is not inspected. */
export async function readLiveMemory({ output }: Pick<SurgewatchProcess, 'output'>): Promise<LiveMemory> {
  // The last one: the process may have been exchanged for another under its pid.
  const url = [...output().matchAll(/Debugger listening on (ws:\S+)/g)].at(-1)?.[1];
  if (url === undefined) throw new Error('the service was started without an inspector');
  const socket = new WebSocket(url);
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error('the inspector of the service does not answer')));
    });
    await ask(socket, 1, 'HeapProfiler.enable');
    await ask(socket, 2, 'HeapProfiler.collectGarbage');
    const expression = 'JSON.stringify(process.memoryUsage())';
    const answer = await ask(socket, 3, 'Runtime.evaluate', { expression, returnByValue: true });
    // A parser's cast: Node wrote it.
    const usage = JSON.parse(answer.result?.result?.value ?? '{}') as { readonly heapUsed: number; readonly rss: number };
    return { heapBytes: usage.heapUsed, rssBytes: usage.rss };
  } finally {
    socket.close();
  }
}

function ask(socket: WebSocket, id: number, method: string, params: object = {}): Promise<InspectorAnswer> {
  return new Promise((resolve, reject) => {
    const hear = ({ data }: MessageEvent) => {
      // A parser's cast: the shape is that of the inspector's protocol.
      const answer = JSON.parse(String(data)) as InspectorAnswer;
      if (answer.id !== id) return;
      socket.removeEventListener('message', hear);
      resolve(answer);
    };
    socket.addEventListener('message', hear);
    socket.addEventListener('close', () => reject(new Error('the inspector went away')));
    socket.send(JSON.stringify({ id, method, params }));
  });
}
