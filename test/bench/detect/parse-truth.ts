/** A `truth.json` from outside, checked once; what it holds beyond what grading needs is left out of account. */
import Type from 'typebox';
import Value from 'typebox/value';
import type { Truth } from '../../fixtures/worlds/truth.ts';

const EVENT = Type.Object({
  kind: Type.Union([Type.Literal('box'), Type.Literal('wave'), Type.Literal('ramp'), Type.Literal('step')]),
  start: Type.Number(),
  end: Type.Number(),
  k: Type.Number(),
  minutes: Type.Number(),
  ratio: Type.Number(),
  material: Type.Boolean(),
});
const NUISANCE = Type.Object({
  kind: Type.Union([Type.Literal('gap'), Type.Literal('drop'), Type.Literal('blip'), Type.Literal('cron')]),
  start: Type.Number(),
  end: Type.Number(),
  occurrence: Type.Optional(Type.Number()),
});
const TRUTH = Type.Object({
  bucket: Type.Number(),
  start: Type.Number(),
  end: Type.Number(),
  suite: Type.String(),
  series: Type.Record(
    Type.String(),
    Type.Object({
      params: Type.Object({ mean: Type.Number() }),
      events: Type.Array(EVENT),
      nuisances: Type.Array(NUISANCE),
    }),
  ),
});

/** @throws Error that says where the text is not a truth. */
export function parseTruth(text: string): Truth {
  const parsed: unknown = JSON.parse(text);
  if (Value.Check(TRUTH, parsed)) return parsed;
  const [fault] = Value.Errors(TRUTH, parsed);
  throw new Error(`truth.json: ${fault?.instancePath ?? ''} ${fault?.message ?? 'is not a truth'}`);
}
