/** The template tag: whatever a value holds, the markup around it stays what the template says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { html, render, safeUrl } from '../../../src/web/html.ts';

const countOf = (text: string, character: string) => text.split(character).length - 1;
/** Strings that bite, beside any others. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '"><script>',
    "' onload='x",
    '</title>',
    '<!--',
    ']]>',
    'javascript:alert(1)',
    '//evil.example',
    '/\\evil.example',
    '&lt;',
    '\u0001',
  ),
);

test('no string adds a tag, a quote or an attribute, wherever it stands', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, (text, attribute, url) => {
      const page = render(html`<a title="${attribute}" href="${url}">${text}</a>`);
      assert.equal(countOf(page, '<'), 2);
      assert.equal(countOf(page, '>'), 2);
      assert.equal(countOf(page, '"'), 4);
      assert.equal(countOf(page, "'"), 0);
    }),
  );
});

test('a URL leads to http, https or this site, or nowhere', () => {
  fc.assert(
    fc.property(hostile, (url) => {
      const safe = safeUrl(url);
      const { protocol, host } = new URL(safe, 'http://here.example');
      assert.ok(['http:', 'https:'].includes(protocol));
      assert.ok(host === 'here.example' || /^https?:\/\//i.test(url), safe);
    }),
  );
  for (const url of [
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:x',
    'data:text/html,x',
    '//evil',
    '/\\evil',
    '/\t/evil',
    'https://',
  ]) {
    assert.equal(safeUrl(url), '#', JSON.stringify(url));
  }
  for (const url of ['/requests/req_1', '/', '?q=1', '#top', 'https://example.org/a?b=c', '']) assert.equal(safeUrl(url), url);
});

test('markup made by the tag passes, lists join, and nothing is shown for nothing', () => {
  const items = ['<a>', 'b'].map((item) => html`<li>${item}</li>`);
  assert.equal(render(html`<ul>${items}</ul>${null}${undefined}${false}${0}`), '<ul><li>&lt;a&gt;</li><li>b</li></ul>0');
});

test('an object that only looks like markup is no markup', () => {
  const forged: object = JSON.parse('{"html":"<b>"}');
  assert.doesNotMatch(render(html`<p>${String(forged)}</p>`), /<b>/);
});

test('a place that no escaping makes safe throws', () => {
  const value = 'x';
  const cases = [
    () => html`<p class=${value}>`,
    () => html`<p ${value}>`,
    () => html`<${value}>`,
    () => html`<p ${value}="a">`,
    () => html`<p class='${value}'>`,
    () => html`<p onclick="${value}">`,
    () => html`<p style="${value}">`,
    () => html`<iframe srcdoc="${value}">`,
    () => html`<script>${value}</script>`,
    () => html`<style>${value}</style>`,
    () => html`<!-- ${value} -->`,
    () => html`<a href="/x/${value}">`,
    () => html`<p title="${html`<b>`}">`,
    () => html`<p title="${value}"`,
  ];
  for (const make of cases) assert.throws(make, TypeError, String(make));
});

test('text behind a script or a comment is text again', () => {
  assert.equal(
    render(html`<script src="/a.js"></script><!-- note --><p>${'<'}</p>`),
    '<script src="/a.js"></script><!-- note --><p>&lt;</p>',
  );
});
