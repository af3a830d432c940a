/**
 * Kafka's broker as jars from Maven Central, resolved once a version into a cache outside the checkout. Test processes
 * run side by side and Maven's own repository does not bear two of them, so one works and the others wait for the
 * finished directory, which appears by a rename and is therefore whole whenever it is there.
 * Usage: node kafka-libraries.ts [VERSION …] fills the cache.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isAlive, runProcess } from './real-process.ts';
import { programs, required } from './requirements.ts';
import { waitFor } from './wait-for.ts';

export const KAFKA_VERSIONS = ['4.4.0', '3.9.2'] as const;
export type KafkaVersion = (typeof KAFKA_VERSIONS)[number];

const RESOLVE_DEADLINE_MS = 300_000;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>surgewatch.test</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>\${kafka.version}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** Answers the directory of the jars. */
export async function resolveKafkaLibraries(version: KafkaVersion): Promise<string> {
  const cacheDir = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'surgewatch');
  const directory = join(cacheDir, `kafka-${version}`);
  const lock = join(cacheDir, 'kafka.lock');
  await mkdir(cacheDir, { recursive: true });
  const hasLock = await waitFor(async () => existsSync(directory) || ((await tryLock(lock)) && 'locked'), {
    deadlineMs: RESOLVE_DEADLINE_MS,
    what: `another process to resolve Kafka ${version}`,
  });
  if (hasLock !== 'locked') return directory;
  try {
    if (!existsSync(directory)) await download(version, directory);
  } finally {
    await rm(lock, { force: true });
  }
  return directory;
}

async function download(version: KafkaVersion, directory: string): Promise<void> {
  const work = `${directory}.new`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await writeFile(join(work, 'pom.xml'), POM);
  const goal = ['dependency:copy-dependencies', `-Dkafka.version=${version}`, `-DoutputDirectory=${join(work, 'lib')}`];
  const args = ['-q', '-B', '-f', join(work, 'pom.xml'), ...goal];
  const { code, output } = await runProcess({ command: required(programs.mvn, 'mvn'), args });
  if (code !== 0) throw new Error(`Kafka ${version} could not be resolved:\n${output}`);
  await rename(join(work, 'lib'), directory);
  await rm(work, { recursive: true, force: true });
}

/** A lock whose holder is dead is taken over: a test run may be killed at any moment. */
async function tryLock(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
    return false;
  }
}

if (import.meta.main) {
  for (const version of KAFKA_VERSIONS) {
    process.stdout.write(`Kafka ${version}: ${await resolveKafkaLibraries(version)}\n`);
  }
}
