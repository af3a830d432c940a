/**
 * What a machine must have for the tests against real services. A test that cannot run says so by name instead of
 * passing silently; with `REQUIRE_SERVICES=1`, as in CI, what is missing is a failure.
 *
 *     test('…', { skip: skipReason(kafkaMissing) }, …)
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program's path, or null. The first name that is found wins. */
export function findProgram(...names: readonly string[]): string | null {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  const paths = names.flatMap((name) => directories.map((directory) => join(directory, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function missing(what: string, programs: Readonly<Record<string, string | null>>): string | null {
  const absent = Object.entries(programs).flatMap(([name, path]) => (path === null ? [name] : []));
  return absent.length === 0 ? null : `${what} needs ${absent.join(' and ')}, not found on PATH`;
}

export const programs = {
  java: findProgram('java'),
  mvn: findProgram('mvn'),
  kcat: findProgram('kcat', 'kafkacat'),
  prometheus: findProgram('prometheus'),
  promtool: findProgram('promtool'),
  alertmanager: findProgram('prometheus-alertmanager', 'alertmanager'),
  amtool: findProgram('amtool'),
  chromium: findProgram('chromium', 'chromium-browser', 'google-chrome'),
} as const;

/** Each is null when the machine has what it takes, else a sentence. */
export const kafkaMissing = missing('a real Kafka broker', { java: programs.java, mvn: programs.mvn });
export const kcatMissing = missing('producing as librdkafka does', { kcat: programs.kcat });
export const prometheusMissing = missing('a real Prometheus', { prometheus: programs.prometheus });
export const promtoolMissing = missing('checking rules', { promtool: programs.promtool });
export const alertmanagerMissing = missing('a real Alertmanager', { alertmanager: programs.alertmanager });
export const amtoolMissing = missing('asking Alertmanager as people do', { amtool: programs.amtool });
export const chromiumMissing = missing('a real browser', { chromium: programs.chromium });

/**
 * For the `skip` option of a test that needs all of the given: false, or why it is skipped.
 * @throws Error when something is missing and `REQUIRE_SERVICES=1`.
 */
export function skipReason(...reasons: readonly (string | null)[]): string | false {
  const found = reasons.filter((reason) => reason !== null);
  if (found.length === 0) return false;
  const text = found.join('; ');
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`${text} (REQUIRE_SERVICES=1 allows no skip)`);
  return text;
}

/** The path of a program that the test was not to run without. */
export function required(path: string | null, name: string): string {
  if (path === null) throw new Error(`${name} is not on PATH; guard the test with skipReason`);
  return path;
}
