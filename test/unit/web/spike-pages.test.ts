/** What the page of a spike says beyond its first sentence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../../../src/web/html.ts';
import { drawSpikeCard } from '../../../src/web/spike-card.ts';
import { drawSpikePage } from '../../../src/web/spike-pages.ts';
import { createLink } from '../../../src/web/view.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const START = Date.UTC(2026, 10, 24, 14, 3);
const view = { nowMs: START + 1_200_000, retentionDays: 30, link: createLink(null), siteUrl: 'http://s.test' };

test('a warning that got worse says since when it is critical, and with how many errors', () => {
  const warning = spikeRecord({ startsAtMs: START, labels: { severity: 'warning' } });
  const escalation = { atMs: START + 600_000, observed: 6200, expected: 40, windowSeconds: 300 };
  const page = drawSpikePage(view, { ...warning, escalation }, null);
  assert.match(
    page,
    /It got worse than it was told, and is critical since today 14:13:00 UTC: 6200 errors in 5 minutes, 155 times as many\./,
  );
  assert.match(page, /warning, then critical/);
  assert.match(render(drawSpikeCard(view, { ...warning, escalation })), /critical since today 14:13:00 UTC/);
  assert.doesNotMatch(drawSpikePage(view, warning, null), /worse|critical/);
});
