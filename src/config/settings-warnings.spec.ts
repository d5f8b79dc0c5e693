import { settingNames, settingsWarnings } from './settings-warnings';

describe('warnings of settings', () => {
  it.each([
    ['SCIMIFY_DATADIR', 'SCIMIFY_DATA_DIR'],
    ['SCIMIFY_ADMIN_TOKEN', 'SCIMIFY_ADMIN_KEY'],
    ['SCIMIFY_PUBLICURL', 'SCIMIFY_PUBLIC_URL'],
    ['SCIMIFY_PORT', 'PORT'],
    ['SCIMIFY_DATABASE_URL', 'DATABASE_URL'],
    ['SCIMIFY_PAGERDUTY_API_URL', 'PAGERDUTY_API_URL'],
  ])('name the nearest setting for the unknown %s: %s', (given, known) => {
    const warnings = settingsWarnings({ [given]: 'a-secret' });
    expect(warnings).toEqual([
      `${given} is not a setting of Scimify and has no effect. Did you mean ${known}?`,
    ]);
  });

  it('do not exist for known settings, for variables of others, and for those that Kubernetes sets for a service', () => {
    const ours = Object.fromEntries(settingNames().map((name) => [name, 'true']));
    expect(settingNames()).toContain('SCIMIFY_LOG_LEVEL');
    expect(settingsWarnings({ ...ours, SCIMIFY_PUBLIC_URL: 'https://scim.example.com' })).toEqual([]);
    expect(settingsWarnings({ PATH: '/bin', PAGERDUTY_TOKEN: 'x', MY_SCIMIFY_KEY: 'x' })).toEqual([]);
    const service = {
      SCIMIFY_SERVICE_HOST: '10.0.0.1',
      SCIMIFY_SERVICE_PORT: '80',
      SCIMIFY_SERVICE_PORT_HTTP: '80',
      SCIMIFY_PORT: 'tcp://10.0.0.1:80',
      SCIMIFY_PORT_80_TCP: 'tcp://10.0.0.1:80',
      SCIMIFY_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(settingsWarnings(service)).toEqual([]);
  });

  it('name a public URL that is not https, unless it is on this machine', () => {
    for (const url of [
      'http://scim.example.com',
      'http://10.0.0.1:3000/scimify',
      'http://localhost.example.com',
    ]) {
      expect(settingsWarnings({ SCIMIFY_PUBLIC_URL: url })).toEqual([
        expect.stringMatching(/^SCIMIFY_PUBLIC_URL is not https: .* use its https address\.$/),
      ]);
    }
    for (const url of [
      '',
      'https://scim.example.com',
      'http://localhost:3000',
      'http://127.0.0.1',
      'http://[::1]:3000',
    ]) {
      expect(settingsWarnings({ SCIMIFY_PUBLIC_URL: url })).toEqual([]);
    }
  });
});
