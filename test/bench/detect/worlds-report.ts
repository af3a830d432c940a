/** The worlds one by one: where the detector is good and where it is not, with what each looks like. */
import type { Truth } from '../../fixtures/worlds/truth.ts';
import { WORLDS } from '../../fixtures/worlds/worlds.ts';
import { isMet, type Measured, WORLD_GATES } from './gates.ts';
import { gradeAlerts } from './grade.ts';
import { digits, table } from './report.ts';
import type { SuiteRun } from './run-suite.ts';
import { summarise } from './summary.ts';

const PERCENT = 100;

export function renderWorlds(run: SuiteRun, fromDay: number): string {
  const head = ['world', 'FA', 'POD %', 'square %', 'utility', 'cold FA', 'masked', 'delay p50', 'p90', 'resolve p90', 'verdict'];
  const rows = WORLDS.flatMap(({ name, looks }) => {
    const truth = partOfTruth(run.truth, name);
    if (Object.keys(truth.series).length === 0) return [];
    const grade = gradeAlerts(truth, run.detector, fromDay);
    const summary = summarise(grade);
    const anchor = run.baselines === null ? null : summarise(gradeAlerts(truth, run.baselines.grafana, fromDay));
    const measured: Measured = { grade, summary, cost: run.cost, grafana: anchor };
    return [
      [
        name,
        digits(summary.falseAlarmRate),
        digits(summary.all.pod * PERCENT),
        digits(summary.square.pod * PERCENT),
        digits(summary.utility),
        digits(summary.coldFalseAlarmRate),
        String(grade.events.filter(({ event, isMasked }) => event.material && isMasked).length),
        digits(summary.all.delayP50),
        digits(summary.all.delayP90),
        digits(summary.all.resolveP90),
        WORLD_GATES.every((gate) => isMet(gate, gate.of(measured)) !== false) ? 'met' : 'SHORT',
        ...(anchor === null ? [] : [digits(anchor.falseAlarmRate), digits(anchor.all.pod * PERCENT)]),
        looks,
      ],
    ];
  });
  const whole = [...head, ...(run.baselines === null ? [] : ['grafana FA', 'POD %']), 'what it looks like'];
  return table([whole, ...rows], [0, whole.length - 1]);
}

function partOfTruth(truth: Truth, world: string): Truth {
  return {
    ...truth,
    series: Object.fromEntries(Object.entries(truth.series).filter(([name]) => name.startsWith(`${world}-`))),
  };
}
