/**
 * A stand-in for the service that does nothing but own an embedded PostgreSQL, to be killed from outside: it prints the
 * connection string when ready and, at SIGTERM, stops the database and ends.
 * Usage: node embedded-owner.ts DATA_DIR
 */
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';

const [, , dataDir = ''] = process.argv;
const log = { info: () => {}, warn: (text: string) => process.stderr.write(`${text}\n`) };
const postgres = await startEmbeddedPostgres({ dataDir, log, ownershipWaitMs: 0 });
process.stdout.write(`ready ${postgres.connectionString}\n`);
process.on('SIGTERM', () => void postgres.stop().then(() => process.exit(0)));
const { reason } = await postgres.exited;
process.stdout.write(`exited ${reason}\n`);
