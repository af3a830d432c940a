/** How far files are imported, by their digest: a killed import goes on behind the lines that are done. */
import type { Kysely } from 'kysely';
import type { DB } from './tables.ts';

export interface ImportProgress {
  /** Lines of the file that are done; 0 when none is known to be. @throws StoreUnavailable. */
  read(fileDigest: string): Promise<number>;
  /** @throws StoreUnavailable. */
  write(fileDigest: string, lineCount: number): Promise<void>;
  /** When the file is done: a later import of it begins anew. @throws StoreUnavailable. */
  remove(fileDigest: string): Promise<void>;
}

export function createImportProgress({ kysely }: { readonly kysely: Kysely<DB> }): ImportProgress {
  return {
    async read(fileDigest) {
      const row = await kysely
        .selectFrom('import_progress')
        .select('line_count')
        .where('file_digest', '=', fileDigest)
        .executeTakeFirst();
      return Number(row?.line_count ?? 0);
    },
    async write(fileDigest, lineCount) {
      await kysely
        .insertInto('import_progress')
        .values({ file_digest: fileDigest, line_count: lineCount })
        .onConflict((conflict) => conflict.column('file_digest').doUpdateSet({ line_count: lineCount, updated_at: new Date() }))
        .execute();
    },
    async remove(fileDigest) {
      await kysely.deleteFrom('import_progress').where('file_digest', '=', fileDigest).execute();
    },
  };
}
