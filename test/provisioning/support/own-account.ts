import type { Fault, FaultSpec, SimAccount } from '../../../simulator/simulator';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../../support/scimify';

export interface OwnAccount {
  account: SimAccount;
  /** The API key of the integration. */
  secret: string;
  integration: TestIntegration;
  /** Name → id of the IdP user. */
  users: Record<string, string>;
}

/** The address of a person in the account with this subdomain. */
export function addressIn(subdomain: string, name: string): string {
  return `${name}@${subdomain}.example`;
}

/**
 * Creates a separate PagerDuty account, so that many tests can share a server, with an integration whose IdP has these
 * people.
 *
 * @param people IdP users with a PagerDuty user
 * @param strangers IdP users without a PagerDuty user
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

/**
 * One server for several tests. Each test uses its own account, one after the other. The hooks belong to the `describe`
 * that creates the object.
 */
export class AccountsInTurn implements OwnAccount {
  scimify!: Scimify;
  tenantId!: string;
  account!: SimAccount;
  secret!: string;
  integration!: TestIntegration;
  users!: Record<string, string>;
  private turn = 0;

  /**
   * @param name of the accounts, without their numbers
   * @param people as in `ownAccount`; a test can choose others
   */
  constructor(
    private readonly name: string,
    private readonly people: readonly string[],
  ) {
    beforeAll(async () => {
      this.scimify = await Scimify.start();
      this.tenantId = await this.scimify.createTenant();
    });
    afterAll(() => this.scimify.stop());
  }

  /** @param policies the guard is off unless they contain one */
  async begin(
    policies: object = {},
    { people = this.people, strangers }: { people?: readonly string[]; strangers?: readonly string[] } = {},
  ): Promise<void> {
    this.turn += 1;
    const own = await ownAccount(this.scimify, {
      tenantId: this.tenantId,
      subdomain: this.subdomain,
      people,
      strangers,
      policies: { ...WITHOUT_GUARD, ...policies },
    });
    Object.assign(this, own);
  }

  private get subdomain(): string {
    return `${this.name}-${this.turn}`;
  }

  /** The account's name in calls and faults. */
  get credentialAccount(): string {
    return `us.${this.subdomain}`;
  }

  readonly email = (name: string): string => addressIn(this.subdomain, name);

  readonly personOf = (name: string): string => this.account.user(this.email(name))!.id;

  readonly path = (rest = ''): string => `/integrations/${this.integration.id}${rest}`;

  /** The IdP pushes a group of these people. */
  readonly push = (name: string, ...members: string[]): Promise<string> =>
    this.integration.scim.createGroup(
      name,
      members.map((member) => this.users[member]!),
    );

  /** Like `push`, then waits until all groups of the integration are synced. */
  readonly pushed = async (name: string, ...members: string[]): Promise<string> => {
    const group = await this.push(name, ...members);
    await this.scimify.settled(this.integration);
    return group;
  };

  /** Makes calls to this account fail. */
  readonly fail = (spec: FaultSpec): Fault =>
    this.scimify.pagerDuty.inject({ account: this.credentialAccount, ...spec });
}
