import type { ScimClient } from '../../support/scim-client';
import { expectScimError } from '../support/expectations';
import { user } from '../support/samples';
import { serverOfThisFile } from '../support/server';

describe('RFC 7644 §3.11, /Me', () => {
  const server = serverOfThisFile();
  let scim: ScimClient;

  beforeAll(async () => {
    ({ scim } = await server.freshIntegration());
  });

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('%s is 501: a key is no user', async (method) => {
    const body = ['GET', 'DELETE'].includes(method) ? undefined : user();
    expectScimError(await scim.send(method, '/Me', body), 501);
    expectScimError(await scim.send(method, '/Me?attributes=userName', body), 501);
  });
});
