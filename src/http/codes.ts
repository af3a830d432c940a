/** GET /v1/codes and /v1/codes/{code}: what each code means, how often it comes, and whether it is spiking. */
import Type from 'typebox';
import type { HttpApp } from './app-type.ts';
import { type CodeLookupDeps, type CodeOverview, readCode, readCodes } from './code-lookup.ts';
import {
  Fault,
  moment,
  nullableMoment,
  nullableNumber,
  nullableString,
  toText,
  toTextOrNull,
  WordsAnswer,
} from './envelope-answer.ts';
import { ErrorAnswer, Refusal } from './error-answer.ts';
import { readSpan } from './span.ts';

const CodeAnswer = Type.Object({
  code: Type.String(),
  status: nullableNumber('Its commonest HTTP status'),
  fault: Fault,
  words: WordsAnswer,
  lastHourCount: Type.Number(),
  usualHourCount: nullableNumber('Normal for this hour of the day; null when less than a day is known'),
  lastDayCount: Type.Number(),
  lastSeenAt: nullableMoment('Start of the newest ten seconds with this code; null: none within a day'),
  state: Type.Union([Type.Literal('calm'), Type.Literal('pending'), Type.Literal('firing')]),
  spikeId: nullableString('Its open spike'),
});

const SeriesAnswer = Type.Object({
  ...CodeAnswer.properties,
  from: moment('Start of the first step'),
  to: moment('Exclusive'),
  stepSeconds: Type.Number(),
  fields: Type.Array(
    Type.Object({
      field: Type.String({ description: 'Places in a list are left out: items[].sku' }),
      fieldCode: Type.String({ description: 'Its sub-code; _other with _other stands for what is not counted by name' }),
      lastHourCount: Type.Number(),
      usualHourCount: nullableNumber('Normal for this hour of the day; null when less than a day is known'),
      spikeId: nullableString('Its own open spike'),
    }),
    { description: 'Fields that failed most in the last hour, of VALIDATION_ERROR; else empty' },
  ),
  series: Type.Array(
    Type.Object({
      startsAt: moment('Start of the step'),
      count: Type.Number(),
      expected: nullableNumber('Normal at this time of day over the week before; null when less than a day is known'),
      expectedLow: nullableNumber('Lower end of what is normal'),
      expectedHigh: nullableNumber('Upper end of what is normal'),
    }),
  ),
});

const CodeParams = Type.Object({ code: Type.String({ minLength: 1, maxLength: 128 }) });
const SpanQuery = Type.Object({
  from: Type.Optional(Type.String({ description: 'RFC 3339 or epoch milliseconds; six hours before `to` by default' })),
  to: Type.Optional(Type.String({ description: 'Exclusive; now by default' })),
  field: Type.Optional(Type.String({ maxLength: 64, description: 'With fieldCode: the series of this field inside the code' })),
  fieldCode: Type.Optional(Type.String({ maxLength: 64, description: 'The sub-code of that field' })),
  step: Type.Optional(Type.Integer({ minimum: 10, maximum: 86_400, multipleOf: 10, description: 'Seconds' })),
});

export function addCodeRoutes(app: HttpApp, deps: CodeLookupDeps): void {
  app.get(
    '/v1/codes',
    {
      schema: {
        tags: ['codes'],
        summary: 'Every catalogued code and every other that came lately',
        response: { 200: Type.Object({ items: Type.Array(CodeAnswer) }), 503: ErrorAnswer },
      },
    },
    async () => ({ items: (await readCodes(deps)).map(answerCode) }),
  );
  app.get(
    '/v1/codes/:code',
    {
      schema: {
        tags: ['codes'],
        summary: 'One code with its counts over time',
        params: CodeParams,
        querystring: SpanQuery,
        response: { 200: SeriesAnswer, 400: ErrorAnswer, 404: ErrorAnswer, 503: ErrorAnswer },
      },
    },
    async (request) => {
      const span = readSpan(request.query, deps.now());
      if (typeof span === 'string') throw new Refusal(400, span);
      const { field, fieldCode } = request.query;
      if ((field === undefined) !== (fieldCode === undefined)) throw new Refusal(400, 'field and fieldCode come together.');
      const pair = field === undefined || fieldCode === undefined ? null : { field, code: fieldCode };
      const detail = await readCode(deps, { code: request.params.code, pair, span });
      if (detail === null) throw new Refusal(404, 'This code is neither catalogued nor was it seen.', { code: 'CODE_NOT_FOUND' });
      return {
        ...answerCode(detail.overview),
        from: toText(detail.points[0]?.startMs ?? span.fromMs),
        to: toText(span.toMs),
        stepSeconds: span.stepSeconds,
        fields: detail.fields.map(({ code, spike, ...each }) => ({ ...each, fieldCode: code, spikeId: spike?.id ?? null })),
        series: detail.points.map(({ startMs, ...point }) => ({ startsAt: toText(startMs), ...point })),
      };
    },
  );
}

function answerCode({ spike, lastSeenAtMs, ...same }: CodeOverview) {
  const state = spike === null || spike.state === 'resolved' ? ('calm' as const) : spike.state;
  return { ...same, lastSeenAt: toTextOrNull(lastSeenAtMs), state, spikeId: spike?.id ?? null };
}
