import type { SimAccount } from '../../../simulator/simulator';
import type { Scimify, TestIntegration } from '../../support/scimify';

export interface OwnAccount {
  account: SimAccount;
  /** The API key of the integration. */
  secret: string;
  integration: TestIntegration;
  /** Ids that the identity provider knows, by name. */
  users: Record<string, string>;
}

/** The address of a person in the account of that subdomain. */
export function addressIn(subdomain: string, name: string): string {
  return `${name}@${subdomain}.example`;
}

/**
 * A PagerDuty account of its own, so that many can share a server, with an integration whose identity provider knows these
 * people.
 *
 * @param people who have an account in PagerDuty too
 * @param strangers who have none
 */
export async function ownAccount(
  scimify: Scimify,
  {
    tenantId,
    subdomain,
    people,
    strangers = [],
    policies,
  }: {
    tenantId: string;
    subdomain: string;
    people: readonly string[];
    strangers?: readonly string[];
    policies?: object;
  },
): Promise<OwnAccount> {
  const account = scimify.pagerDuty.addAccount({ subdomain, region: 'us' });
  for (const name of people) account.addUser({ email: addressIn(subdomain, name) });
  const secret = account.addApiKey();
  const integration = await scimify.createIntegration({ tenantId, authMethod: 'api_key', secret, policies });
  const names = [...people, ...strangers];
  const ids = await integration.scim.createUsers(names.map((name) => addressIn(subdomain, name)));
  const users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
  return { account, secret, integration, users };
}
