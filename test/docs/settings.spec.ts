import { getMetadataStorage } from 'class-validator';
import { Environment } from '../../src/config/environment';
import { readSettings } from '../../src/config/settings';
import { DEFAULT_PARALLEL_CALLS } from '../../src/pagerduty/pagerduty-options';
import { codesOf, read, rowsBelow } from './documents';

/** Settings that an example file never contains. */
const SECRETS = ['SCIMIFY_ENCRYPTION_KEY', 'SCIMIFY_ADMIN_KEY'];

const IN_CODE = [
  ...new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(Environment, '', false, false)
      .map(({ propertyName }) => propertyName),
  ),
];
const ROWS = rowsBelow(read('docs/settings.md'), /^## All of them/);
/** Of settings whose default is one value and does not depend on other settings. */
const DEFAULTS = ROWS.flatMap(([name, , byDefault]) => {
  const value = /^`([^`{]+)`$/.exec(byDefault!)?.[1];
  return value === undefined || value.startsWith('https://')
    ? []
    : [[name!.replaceAll('`', ''), value] as const];
});
const EXAMPLE = [...read('.env.example').matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(
  ([, name, value]) => [name!, value!] as const,
);

/** With the provider's default for a setting that is not given. */
const settings = (env: Record<string, string>) => {
  const { pagerDuty, ...others } = readSettings(env);
  const parallelCalls = pagerDuty.parallelCalls ?? DEFAULT_PARALLEL_CALLS;
  return { ...others, pagerDuty: { ...pagerDuty, parallelCalls } };
};

describe('the settings', () => {
  it('are all in docs/settings.md and in .env.example, once, and no others', () => {
    expect(IN_CODE.length).toBeGreaterThan(25);
    expect(codesOf(ROWS).sort()).toEqual([...IN_CODE].sort());
    expect(EXAMPLE.map(([name]) => name).sort()).toEqual([...IN_CODE].sort());
  });

  it.each(DEFAULTS)('have the documented default, in .env.example too: %s=%s', (name, value) => {
    expect(settings({ [name]: value })).toEqual(settings({}));
    expect(Object.fromEntries(EXAMPLE)).toMatchObject({ [name]: value });
  });

  it('have defaults that are looked at here', () => {
    expect(DEFAULTS.length).toBeGreaterThan(20);
  });

  it('are accepted as .env.example has them, which holds no secret', () => {
    expect(() => readSettings(Object.fromEntries(EXAMPLE))).not.toThrow();
    for (const name of SECRETS) expect(Object.fromEntries(EXAMPLE)).toMatchObject({ [name]: '' });
  });
});

describe('the steps that connect Okta', () => {
  it.each([
    ['README.md', '## Connect Okta and PagerDuty'],
    ['docs/connect-okta-and-pagerduty.md', '# Connect Okta and PagerDuty'],
  ])('name in %s the public URL and https before they ask for the SCIM base URL', (file, heading) => {
    const steps = read(file).split(`${heading}\n`)[1]!;
    const before = steps.slice(0, steps.search(/scimBaseUrl|SCIM base URL/));
    expect(before).toContain('SCIMIFY_PUBLIC_URL=https://');
    expect(before).toContain('`https`');
  });
});
