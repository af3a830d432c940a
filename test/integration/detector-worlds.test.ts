/** A few series of each world that nobody tuned the detector on: the floor under all suites holds there too. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gradeAlerts } from '../bench/detect/grade.ts';
import { runSuite } from '../bench/detect/run-suite.ts';
import { makeWorldSuite } from '../bench/detect/suites.ts';
import { summarise } from '../bench/detect/summary.ts';

const FROM_DAY = 3;
const LARGEST_FALSE_ALARM_RATE = 0.1;

describe('the detector in worlds of our own', () => {
  for (const world of ['clock', 'holiday', 'rare', 'traffic']) {
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
