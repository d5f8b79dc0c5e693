import type { Fault, FaultSpec, SimAccount } from '../../../simulator/simulator';
import { Scimify, type TestIntegration, WITHOUT_GUARD } from '../../support/scimify';

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

/**
 * One server for all tests that share it, in which they work with one account of their own after the other. Its hooks belong
 * to the `describe` that it is made in.
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
   * @param name of the accounts, but for their numbers
   * @param people as `ownAccount`, unless a test wants others
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

  /** @param policies which are without a guard unless they name one */
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

  /** As calls and faults name the account. */
  get credentialAccount(): string {
    return `us.${this.subdomain}`;
  }

  readonly email = (name: string): string => addressIn(this.subdomain, name);

  readonly personOf = (name: string): string => this.account.user(this.email(name))!.id;

  readonly path = (rest = ''): string => `/integrations/${this.integration.id}${rest}`;

  /** A group of these people that the identity provider pushes. */
  readonly push = (name: string, ...members: string[]): Promise<string> =>
    this.integration.scim.createGroup(
      name,
      members.map((member) => this.users[member]!),
    );

  /** As `push`, once everything of the integration is in step. */
  readonly pushed = async (name: string, ...members: string[]): Promise<string> => {
    const group = await this.push(name, ...members);
    await this.scimify.settled(this.integration);
    return group;
  };

  /** Calls to this account fail. */
  readonly fail = (spec: FaultSpec): Fault =>
    this.scimify.pagerDuty.inject({ account: this.credentialAccount, ...spec });
}
