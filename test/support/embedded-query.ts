/** Statements on the embedded database of a running service, through the connection file that verbs use too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

export async function queryEmbedded(dataDir: string, text: string, values: readonly unknown[] = []) {
  // A parser's cast: the service wrote this file.
  const file = JSON.parse(readFileSync(join(dataDir, 'connection.json'), 'utf8')) as { readonly connectionString: string };
  const client = new pg.Client({ connectionString: file.connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** The one number that a statement answers. */
export async function queryNumber(dataDir: string, text: string): Promise<number> {
  const [row = {}] = await queryEmbedded(dataDir, text);
  return Number(Object.values(row)[0]);
}
