import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { type SimAccount, startSimulator } from '../../simulator/simulator';
import { PagerDutyProvider } from '../../src/pagerduty/pagerduty-provider';
import type { Access, TestTarget } from './test-target';

/** PagerDuty as the simulator plays it, over HTTP. */
export async function startPagerDuty(authMethod: 'oauth' | 'api_key'): Promise<TestTarget> {
  const simulator = await startSimulator({ rateLimit: 100_000 });
  const elsewhere = simulator.addAccount({ subdomain: 'globex', region: 'us' });
  for (const account of [simulator, elsewhere]) {
    account.addUser({ email: `owner@${account.subdomain}.example`, role: 'owner' });
  }
  const accessTo = authMethod === 'oauth' ? oauthAccess : keyAccess;
  // Axios declares its types once for each module system; the instance is the same.
  const http = new HttpService(axios.create({ timeout: 5_000 }) as unknown as HttpService['axiosRef']);
  return {
    provider: new PagerDutyProvider(http, { apiUrl: simulator.url, identityUrl: simulator.url }),
    access: accessTo(simulator),
    accessElsewhere: accessTo(elsewhere),
    ...SETTINGS,
    equalNames: ['Site Reliability', ' site  RELIABILITY '],
    addPeople: (emails) => simulator.addUsers(emails.map((email) => ({ email }))).map(({ id }) => id),
    removePerson: (id) => simulator.removeUser(id),
    addGroup: (name, memberIds = []) => {
      const { id } = simulator.addTeam({ name });
      for (const memberId of memberIds) simulator.addMember(id, memberId);
      return id;
    },
    removeGroup: (id) => simulator.removeTeam(id),
    groups: () =>
      Object.fromEntries(
        simulator
          .teams()
          .map(({ name, description, members }) => [
            name,
            { description, memberIds: members.map(({ id }) => id).sort() },
          ]),
      ),
    close: () => simulator.close(),
  };
}

const OAUTH = { authMethod: 'oauth', clientId: 'c', accountSubdomain: 'acme', accountRegion: 'us' };

const SETTINGS: Pick<TestTarget, 'goodSettings' | 'badSettings'> = {
  goodSettings: [
    OAUTH,
    { ...OAUTH, accountRegion: 'eu', groupDescription: 'From Okta' },
    { authMethod: 'api_key' },
    { authMethod: 'api_key', accountRegion: 'eu', groupDescription: 'From Okta' },
  ],
  badSettings: [
    [{}, ['authMethod']],
    [{ authMethod: 'oauth' }, ['clientId', 'accountSubdomain', 'accountRegion']],
    [{ ...OAUTH, accountSubdomain: 'Acme!', colour: 'red' }, ['colour', 'accountSubdomain']],
    [{ authMethod: 'api_key', clientId: 'c', accountRegion: 'mars' }, ['clientId', 'accountRegion']],
  ],
};

function keyAccess(account: SimAccount): Access {
  return { settings: { authMethod: 'api_key', accountRegion: 'us' }, secret: account.addApiKey() };
}

function oauthAccess(account: SimAccount): Access {
  const { clientId, clientSecret, subdomain, region } = account.addOAuthClient();
  return {
    settings: { authMethod: 'oauth', clientId, accountSubdomain: subdomain, accountRegion: region },
    secret: clientSecret,
  };
}
