import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readReadme, renderReadme } from '../support/readme-tables.ts';

test("README's tables are what the code says; `npm run readme` writes them anew", async () => {
  assert.equal(readReadme(), await renderReadme(readReadme()));
});
