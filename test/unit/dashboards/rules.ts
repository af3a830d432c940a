/** The shipped rules, read once for the tests that hold them against the registry, the dashboards and the runbooks. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export const DEPLOY = new URL('../../../deploy/', import.meta.url);

export function readRules(): readonly Rule[] {
  const text = readFileSync(new URL('prometheus/rules/surgewatch.yml', DEPLOY), 'utf8');
  // A parser's cast: promtool checks the file's shape.
  return (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);
}

export function alertRules(): readonly (Rule & { readonly alert: string })[] {
  return readRules().flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }]));
}
