import type {
  ConnectionHost,
  IntegrationProvider,
  ProviderConnection,
} from '../../src/integrations/provider/integration-provider';
import { SettingsError, type SettingsProblem } from '../../src/integrations/provider/provider-error';
import { type Directory, EMPLOYEE_NUMBER } from './directory';
import { DirectoryConnection, refusal } from './directory-connection';

export interface DirectorySettings {
  server: string;
}

const SERVER = /^[a-z0-9]+(\.[a-z0-9]+)*$/;

/**
 * A target that differs from PagerDuty in everything that the provider contract allows. Only letters and digits make names
 * differ. Ids contain other characters too. Groups are small, have other roles and no addresses. People are found by their
 * number first, then by their address. Only one call runs at a time.
 */
export class DirectoryProvider implements IntegrationProvider<DirectorySettings> {
  readonly type = 'directory';
  readonly description = {
    displayName: 'House directory',
    authMethods: [{ id: 'bind', title: 'Password', description: 'The password that the server asks for.' }],
    settingsSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { server: { type: 'string', title: 'Server', pattern: SERVER.source } },
      required: ['server'],
      additionalProperties: false,
    },
    memberRoles: [
      { id: 'keeper', title: 'Keeper', description: 'Looks after the group.' },
      { id: 'guest', title: 'Guest', description: 'Is only in it.' },
    ],
    guides: [],
  };
  readonly userAttributes = [EMPLOYEE_NUMBER];
  readonly limits = { groupNameLength: 40, membersPerGroup: 12, parallelCalls: 1 };

  /** @param servers server name → directory */
  constructor(private readonly servers: ReadonlyMap<string, Directory>) {}

  groupNameKey(name: string): string {
    return name
      .normalize('NFC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]/gu, '');
  }

  keptGroupName(name: string): string {
    return name.trim();
  }

  parseSettings(input: unknown): DirectorySettings {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      throw new SettingsError([{ field: 'settings', message: 'Give the settings as an object.' }]);
    }
    const { server, ...others } = input as Record<string, unknown>;
    const name = typeof server === 'string' ? server.toLowerCase() : '';
    const problems = Object.keys(others).map((field) => ({ field, message: 'There is no such setting.' }));
    if (!SERVER.test(name)) problems.push({ field: 'server', message: 'Give the name of the server.' });
    if (problems.length > 0) throw new SettingsError(problems);
    return { server: name };
  }

  checkSecret(_: DirectorySettings, secret: string): SettingsProblem[] {
    return secret === '' ? [{ field: 'secret', message: 'Give the password: it is empty.' }] : [];
  }

  credentialKey({ server }: DirectorySettings, secret: string): string {
    return JSON.stringify([server, secret]);
  }

  connect(
    { settings: { server }, secret }: { settings: DirectorySettings; secret: string },
    host: ConnectionHost,
  ): ProviderConnection {
    const open = (): Directory => {
      const directory = this.servers.get(server);
      if (!directory || directory.away)
        throw refusal('unavailable', 'no_answer', `${server} does not answer.`, directory?.awayForMs);
      if (directory.password === secret) return directory;
      throw refusal('credentials', 'password_refused', `${server} refuses the password.`);
    };
    const account = { identity: `directory:${server}`, name: server, url: `ldap://${server}` };
    return new DirectoryConnection(this, account, open, host);
  }
}
