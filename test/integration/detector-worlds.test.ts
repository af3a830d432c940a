/** A few series of worlds that nobody tuned the detector on: the floor under all suites holds there too. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { createBacktestCommand } from '../../src/cli/backtest.ts';
import { gradeAlerts } from '../bench/detect/grade.ts';
import { runSuite } from '../bench/detect/run-suite.ts';
import { createSpanCollector } from '../bench/detect/spans.ts';
import { makeWorldSuite, openSuite, writeSuite } from '../bench/detect/suites.ts';
import { summarise } from '../bench/detect/summary.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const FROM_DAY = 3;
const LARGEST_FALSE_ALARM_RATE = 0.1;

describe('the detector in worlds of our own', () => {
  for (const world of ['clock', 'holiday', 'rare', 'traffic', 'newborn', 'backlog']) {
    it(`stays under 0.1 false alarms a day and finds more than Grafana's rules: ${world}`, () => {
      const suite = makeWorldSuite({ seed: 5, seriesPerWorld: 5, days: 15, bucketSeconds: 60, names: [world] });
      const run = runSuite(suite, { preset: 'standard', withBaselines: true });
      const own = summarise(gradeAlerts(run.truth, run.detector, FROM_DAY));
      assert.ok(run.baselines !== null);
      const grafana = summarise(gradeAlerts(run.truth, run.baselines.grafana, FROM_DAY));
      assert.ok(own.all.count >= 50, `only ${own.all.count} surges`);
      assert.ok(own.falseAlarmRate <= LARGEST_FALSE_ALARM_RATE, `${own.falseAlarmRate} false alarms a code and day`);
      assert.ok(own.all.pod > grafana.all.pod, `${own.all.pod} of the surges found, Grafana's rules ${grafana.all.pod}`);
    });
  }
});

describe('the bench', () => {
  it('grades exactly what surgewatch backtest prints, also of a world that was written as a folder', async () => {
    const folder = makeTempDir('world').path;
    const made = () => makeWorldSuite({ seed: 6, seriesPerWorld: 3, days: 6, bucketSeconds: 60, names: ['backlog', 'traffic'] });
    writeSuite(made(), folder);
    const printed = await backtestSpans(`${folder}/series`);
    const spanCount = [...printed.values()].reduce((sum, spans) => sum + spans.length, 0);
    assert.ok(spanCount >= 20, `only ${spanCount} spikes to compare`);
    const options = { preset: 'standard', withBaselines: false } as const;
    assert.deepEqual(runSuite(openSuite(folder), options).detector, printed);
    const ofMade = runSuite(made(), options);
    assert.deepEqual(ofMade.detector, printed);
    assert.deepEqual(openSuite(folder).truth(), ofMade.truth);
  });
});

/** From the lines of the verb itself. */
async function backtestSpans(counts: string) {
  let text = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  await createBacktestCommand({ output }).parseAsync(['--counts', counts], { from: 'user' });
  const collector = createSpanCollector();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const { series, timestamp, event }: { series: string; timestamp: string; event: string } = JSON.parse(line);
    collector.note(series, Date.parse(timestamp) / 1000, event === 'open');
  }
  return collector.spans;
}
