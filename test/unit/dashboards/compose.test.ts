/** The shipped stack, as far as it can be held without a container engine: no dangling file, no wait without an answer. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { SETTINGS } from '../../../src/settings.ts';
import { DEPLOY } from './rules.ts';

interface Service {
  readonly image?: string;
  readonly build?: unknown;
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: unknown;
}

const text = readFileSync(new URL('compose.yaml', DEPLOY), 'utf8');
// A parser's cast: the tests below say what must be in it.
const { services, secrets, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, null>;
};
const all = Object.entries(services);

suite('compose.yaml', () => {
  test('every mounted file is there', () => {
    for (const [name, { volumes: mounts = [] }] of all) {
      for (const source of mounts.map((mount) => mount.split(':', 1)[0] ?? '')) {
        const isThere = source.startsWith('.') ? existsSync(new URL(source, DEPLOY)) : source in volumes;
        assert.ok(isThere, `${name} mounts ${source}`);
      }
    }
  });

  test('who waits for another waits until it is healthy, and each has a check that says so', () => {
    const dockerfile = readFileSync(new URL('Dockerfile', DEPLOY), 'utf8');
    for (const [name, service] of all) {
      const isOwnImage = service.build !== undefined && dockerfile.includes('HEALTHCHECK');
      assert.ok(service.healthcheck !== undefined || isOwnImage, `${name} has no healthcheck`);
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.ok(other in services, `${name} waits for ${other}`);
        assert.equal(condition, 'service_healthy', `${name} waits for ${other}`);
      }
    }
  });

  test('ports are open on the loopback of the machine alone, while there are no credentials', () => {
    const ports = all.flatMap(([, service]) => service.ports ?? []);
    assert.ok(ports.length > 0);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
    assert.equal(services['surgewatch']?.environment?.['HOST'], '127.0.0.1');
  });

  test('surgewatch is configured by names that it knows', () => {
    for (const name of Object.keys(services['surgewatch']?.environment ?? {})) {
      assert.ok(name in SETTINGS || name.replace(/_FILE$/, '') in SETTINGS, name);
    }
  });

  test('no secret stands in the file: each comes from a file that git leaves alone', () => {
    for (const [name, { file }] of Object.entries(secrets)) assert.match(file, /^\.\/secrets\//, name);
    for (const secret of all.flatMap(([, service]) => service.secrets ?? [])) assert.ok(secret in secrets, secret);
    assert.match(readFileSync(new URL('secrets/.gitignore', DEPLOY), 'utf8'), /^\*$/m);
    for (const [name, { environment = {} }] of all) {
      for (const key of Object.keys(environment)) {
        assert.ok(!/PASSWORD|TOKEN|SECRET|DATABASE_URL/.test(key) || key.endsWith('_FILE'), `${name}: ${key}`);
      }
    }
  });

  test('every image is pinned to a version', () => {
    for (const [name, { image = '' }] of all) assert.match(image, /:[\w.-]*\d|:local$/, name);
  });
});
