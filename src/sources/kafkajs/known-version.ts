/**
 * Repairs reach into files of kafkajs that it does not promise anything about, so they are bound to the version that was
 * read: with another one the library stays as it is.
 */
import { createRequire } from 'node:module';

const KNOWN_VERSION = '2.2.4';

/** For requiring its inner files; null when the installed version is not the one known. */
export function requireOfKnownKafkajs(): NodeJS.Require | null {
  const require = createRequire(import.meta.url);
  const { version }: { version: string } = require('kafkajs/package.json');
  return version === KNOWN_VERSION ? require : null;
}
