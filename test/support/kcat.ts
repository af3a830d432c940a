/** Produces as librdkafka does, compressed by its own codecs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programs, required } from './requirements.ts';

export interface KcatProduce {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partition: number;
  readonly codec: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** One record each; no line feed inside. */
  readonly values: readonly string[];
}

/** @throws Error when kcat ends with a fault. */
export async function produceWithKcat({ brokers, topic, partition, codec, values }: KcatProduce): Promise<void> {
  const args = ['-P', '-b', brokers.join(), '-t', topic, '-p', String(partition), '-z', codec];
  const child = spawn(required(programs.kcat, 'kcat'), args, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(values.map((value) => `${value}\n`).join(''));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`kcat ended with ${code}`);
}
