import { inspect } from 'node:util';
import Ajv2020 from 'ajv/dist/2020';
import type {
  AddressesShown,
  CallContext,
  MemberOutcome,
  ProviderConnection,
  UserIdentity,
  UserMatch,
} from '../../src/integrations/provider/integration-provider';
import {
  GROUP_FULL,
  GROUP_GONE,
  ProviderError,
  SettingsError,
  USER_GONE,
} from '../../src/integrations/provider/provider-error';
import { parseAttributePath } from '../../src/scim/schema/attribute-path';
import { callContext, hostOf } from '../support/pagerduty';
import type { Access, TestTarget } from './test-target';

/** More than any target gives in one page. */
const MANY = 130;
const WRONG_SECRET = 'a-secret-that-nobody-gave-0123456789';

const emailOf = (index: number) => `person-${index}@example.com`;

function person(email: string | null, key: string): UserIdentity {
  return { key, email, userName: 'no address', externalId: null, attributes: {} };
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    (value) => {
      throw new Error(`nothing failed, and this came of it: ${inspect(value)}`);
    },
    (error: unknown) => error,
  );
}

function wrongFieldsOf(parse: () => unknown): string[] {
  try {
    return [`accepted as ${inspect(parse())}`];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map(({ field }) => field).sort();
    throw error;
  }
}

/** What is said of a provider and its connections by the contract (src/integrations/provider), of whatever target. */
export function describeProvider(name: string, start: () => Promise<TestTarget>): void {
  describe(`${name}, as a provider,`, () => {
    let target: TestTarget;
    let connection: ProviderConnection;

    beforeEach(async () => {
      target = await start();
      connection = connect(target.access);
    });

    afterEach(() => target.close());

    const connect = ({ settings, secret }: Access, host = hostOf()) =>
      target.provider.connect({ settings: target.provider.parseSettings(settings), secret }, host);

    const context = callContext();

    const change = async (
      groupId: string,
      { add = [], remove = [] }: { add?: readonly string[]; remove?: readonly string[] },
      call: CallContext = context,
    ): Promise<MemberOutcome[]> => {
      const outcomes: MemberOutcome[] = [];
      const members = { add: add.map((remoteUserId) => ({ remoteUserId })), remove };
      for await (const outcome of connection.changeMembers(groupId, members, call)) outcomes.push(outcome);
      return outcomes;
    };

    const diagnose = async (access: Access, host = hostOf()) => {
      const checks = [];
      for await (const check of connect(access, host).diagnose(context)) checks.push(check);
      return checks;
    };

    const membersOf = (group: string) => target.groups()[group]!.memberIds;

    /** Every write, in a target that has a group with one member, and one person more. */
    const writes = () => {
      const [ada, bo] = target.addPeople(['ada@example.com', 'bo@example.com']) as [string, string];
      const group = target.addGroup('On-call', [ada]);
      return {
        createGroup: (call: CallContext) => connection.createGroup({ name: 'New', description: 'd' }, call),
        updateGroup: (call: CallContext) => connection.updateGroup(group, { name: 'Renamed' }, call),
        'changeMembers, to add': (call: CallContext) => change(group, { add: [bo] }, call),
        'changeMembers, to remove': (call: CallContext) => change(group, { remove: [ada] }, call),
        deleteGroup: (call: CallContext) => connection.deleteGroup(group, call),
      };
    };

    /** And every other call. */
    const reads = () => {
      const group = target.addGroup('Night shift');
      return {
        account: (call: CallContext) => connection.account(call),
        resolveUsers: (call: CallContext) => connection.resolveUsers([person('eve@example.com', 'e')], call),
        getUser: (call: CallContext) => connection.getUser('nobody', call),
        findGroups: (call: CallContext) => connection.findGroups(['Night shift'], call),
        getGroup: (call: CallContext) => connection.getGroup(group, call),
        listMembers: (call: CallContext) => connection.listMembers(group, call),
        snapshot: (call: CallContext) => connection.snapshot(new Set([group]), call),
      };
    };

    it('says what it is called and how much it takes', () => {
      const { type, description, limits } = target.provider;
      expect(type).toMatch(/^[a-z0-9_]{1,32}$/);
      expect(description.displayName).not.toBe('');
      for (const limit of Object.values(limits)) expect(limit).toBeGreaterThanOrEqual(1);
      expect(Object.keys(limits).sort()).toEqual(['groupNameLength', 'membersPerGroup', 'parallelCalls']);
    });

    it('says which roles groups of the target have, and what it wants to be told of people', () => {
      const { description, userAttributes } = target.provider;
      for (const { id, title, description: text } of description.memberRoles) {
        expect(id).toMatch(/^[\w.-]{1,32}$/);
        expect([title, text]).not.toContain('');
      }
      const ids = description.memberRoles.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(userAttributes.length).toBeLessThanOrEqual(10);
      for (const path of userAttributes) expect(parseAttributePath(path)).not.toBeNull();
    });

    it('has keys of names that are short enough to be stored, whatever they are made of', () => {
      for (const letter of ['n', 'İ', 'ß', 'ﷺ', '\u0390', '💥']) {
        const key = target.provider.groupNameKey(letter.repeat(256));
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1_100);
      }
    });

    it('reads settings as its schema has them, and reads them again as it has read them', () => {
      const { provider, goodSettings } = target;
      const isAsTheSchemaSays = new Ajv2020({ strict: false }).compile(provider.description.settingsSchema);
      for (const given of goodSettings) {
        const settings = provider.parseSettings(given);
        expect({ settings, accepted: isAsTheSchemaSays(settings) }).toEqual({ settings, accepted: true });
        expect(provider.parseSettings(settings)).toEqual(settings);
      }
    });

    it('names every wrong field of settings that its schema refuses as well', () => {
      const { provider, badSettings } = target;
      const isAsTheSchemaSays = new Ajv2020({ strict: false }).compile(provider.description.settingsSchema);
      for (const [given, fields] of badSettings) {
        expect(wrongFieldsOf(() => provider.parseSettings(given))).toEqual([...fields].sort());
        expect({ given, accepted: isAsTheSchemaSays(given) }).toEqual({ given, accepted: false });
      }
    });

    it.each([null, undefined, 'text', 7, []])('refuses %j as settings', (given) => {
      expect(wrongFieldsOf(() => target.provider.parseSettings(given))).toEqual(['settings']);
    });

    it('knows a secret that cannot be one before it is sent', () => {
      const { provider, access } = target;
      const settings = provider.parseSettings(access.settings);
      expect(provider.checkSecret(settings, access.secret)).toEqual([]);
      expect(provider.checkSecret(settings, '')).toMatchObject([{ field: 'secret' }]);
    });

    it('shares token and budget between equal credentials alone', () => {
      const { provider, access, accessElsewhere } = target;
      const keyOf = ({ settings, secret }: Access) =>
        provider.credentialKey(provider.parseSettings(settings), secret);
      expect(keyOf({ ...access })).toBe(keyOf(access));
      expect(keyOf({ ...access, secret: `${access.secret}x` })).not.toBe(keyOf(access));
      expect(keyOf(accessElsewhere)).not.toBe(keyOf(access));
    });

    describe('tells the account', () => {
      it('by one identity however often it is connected to', async () => {
        const account = await connection.account(context);
        expect(account?.identity).toBeTruthy();
        expect(account?.url).toBeTruthy();
        expect(await connect(target.access).account(context)).toEqual(account);
      });

      it('from another one', async () => {
        const account = await connection.account(context);
        const elsewhere = await connect(target.accessElsewhere).account(context);
        expect(elsewhere?.identity).toBeTruthy();
        expect(elsewhere?.identity).not.toBe(account?.identity);
      });
    });

    describe('looks for people', () => {
      it('by address without case, and answers for everybody who was asked for', async () => {
        const [ada, bo] = target.addPeople(['Ada@Example.com', 'bo@example.com']);
        const found = await connection.resolveUsers(
          [
            person('ada@example.COM', 'a'),
            person('bo@example.com', 'b'),
            person('o@example.com', 'part of an address'),
            person(null, 'none'),
          ],
          context,
        );
        const nobody = { kind: 'not-found', message: expect.stringMatching(/\S/) };
        expect(Object.fromEntries(found)).toEqual({
          a: { kind: 'resolved', remoteUserId: ada },
          b: { kind: 'resolved', remoteUserId: bo },
          'part of an address': nobody,
          none: nobody,
        });
      });

      it('by id, and says of one who is gone, or whose id is nobody’s, that they are not there', async () => {
        const [ada, bo] = target.addPeople(['ada@example.com', 'bo@example.com']) as [string, string];
        target.removePerson(bo);
        const addressOf = async (id: string) =>
          (await connection.getUser(id, context))?.address?.toLowerCase();
        expect(await Promise.all([ada, bo, 'nobody', '../users'].map(addressOf))).toEqual([
          'ada@example.com',
          undefined,
          undefined,
          undefined,
        ]);
      });

      it('and tells the address of each person whom it shows, by which they are found', async () => {
        const [ada] = target.addPeople(['Ada@Example.com', 'bo@example.com']);
        const addresses = new Map<string, string>();
        const note: AddressesShown = (shown) => shown.forEach((address, id) => addresses.set(id, address));
        await connection.resolveUsers([person('ada@example.com', 'a')], context, note);
        expect(addresses.get(ada!)?.toLowerCase()).toBe('ada@example.com');
        addresses.clear();
        await connection.snapshot(new Set(), context, note);
        expect([...addresses.values()].map((address) => address.toLowerCase())).toEqual(
          expect.arrayContaining(['ada@example.com', 'bo@example.com']),
        );
      });

      it('however many they are, two of whom may be one', async () => {
        const ids = target.addPeople(Array.from({ length: MANY }, (_, index) => emailOf(index)));
        const asked = ids.map((_, index) => person(emailOf(index), `user ${index}`));
        const found = new Map<string, UserMatch>();
        for (let left = [...asked, person(emailOf(0), 'again')]; left.length > 0;) {
          const told = await connection.resolveUsers(left, context);
          expect(told.size).toBeGreaterThan(0);
          for (const [key, match] of told) found.set(key, match);
          left = left.filter(({ key }) => !found.has(key));
        }
        expect(found.size).toBe(MANY + 1);
        for (const [index, remoteUserId] of ids.entries()) {
          expect(found.get(`user ${index}`)).toEqual({ kind: 'resolved', remoteUserId });
        }
        expect(found.get('again')).toEqual({ kind: 'resolved', remoteUserId: ids[0] });
      });
    });

    describe('looks for groups', () => {
      it('by name as the target compares names, and leaves out those that are not there', async () => {
        const { provider, equalNames } = target;
        const [theirs, ours] = equalNames;
        const id = target.addGroup(theirs);
        target.addGroup(`${theirs} too`);
        expect(provider.groupNameKey(ours)).toBe(provider.groupNameKey(theirs));
        const found = await connection.findGroups([ours, 'Nobody'], context);
        expect([...found.keys()]).toEqual([provider.groupNameKey(ours)]);
        expect(found.get(provider.groupNameKey(ours))).toMatchObject({ id, name: theirs });
      });

      it('by id, and says of one that is gone that it is', async () => {
        const id = target.addGroup('On-call');
        expect(await connection.getGroup(id, context)).toMatchObject({ id, name: 'On-call' });
        target.removeGroup(id);
        expect(await connection.getGroup(id, context)).toBeNull();
      });
    });

    describe('makes, changes and deletes groups:', () => {
      it('a new one has the name and the description that are asked, and nobody in it', async () => {
        const made = await connection.createGroup({ name: 'On-call', description: 'Who is up' }, context);
        expect(made).toMatchObject({ name: 'On-call', description: 'Who is up' });
        expect(made.id).toBeTruthy();
        expect(target.groups()).toEqual({ 'On-call': { description: 'Who is up', memberIds: [] } });
        const found = await connection.findGroups(['On-call'], context);
        expect([...found.values()]).toEqual([made]);
      });

      it('a new one is called as the provider says that the target keeps its name', async () => {
        const { provider, equalNames } = target;
        const kept = provider.keptGroupName(equalNames[1]);
        expect(provider.keptGroupName(kept)).toBe(kept);
        expect(provider.groupNameKey(kept)).toBe(provider.groupNameKey(equalNames[1]));
        await connection.createGroup({ name: kept, description: 'd' }, context);
        expect(Object.keys(target.groups())).toEqual([kept]);
      });

      it('one as long as the name may be is made', async () => {
        const longest = 'n'.repeat(target.provider.limits.groupNameLength);
        await connection.createGroup({ name: longest, description: 'd' }, context);
        expect(Object.keys(target.groups())).toEqual([longest]);
      });

      it('one whose name is taken is refused, and nothing comes of it', async () => {
        const [theirs, ours] = target.equalNames;
        target.addGroup(theirs);
        const before = target.groups();
        const error = await failureOf(connection.createGroup({ name: ours, description: 'd' }, context));
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject({ kind: 'conflict', outcome: 'not-applied', accountWide: false });
        expect(target.groups()).toEqual(before);
      });

      it('one is changed in what is asked and in nothing else', async () => {
        const { id } = await connection.createGroup({ name: 'On-call', description: 'd' }, context);
        await connection.updateGroup(id, { name: 'Off-call' }, context);
        expect(target.groups()).toEqual({ 'Off-call': { description: 'd', memberIds: [] } });
        await connection.updateGroup(id, { description: 'e' }, context);
        expect(target.groups()).toEqual({ 'Off-call': { description: 'e', memberIds: [] } });
      });

      it('one takes another spelling of its own name', async () => {
        const [former, wanted] = target.equalNames;
        const id = target.addGroup(former);
        const kept = target.provider.keptGroupName(wanted);
        await connection.updateGroup(id, { name: kept }, context);
        expect(Object.keys(target.groups())).toEqual([kept]);
      });

      it('one that is gone cannot be changed', async () => {
        const id = target.addGroup('On-call');
        target.removeGroup(id);
        const error = await failureOf(connection.updateGroup(id, { name: 'Renamed' }, context));
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject({ kind: 'not-found', reason: GROUP_GONE, outcome: 'not-applied' });
      });

      it('one is deleted with everybody in it, and is not there to be deleted again', async () => {
        const [ada] = target.addPeople(['ada@example.com']);
        const id = target.addGroup('On-call', [ada!]);
        target.addGroup('Night shift');
        await connection.deleteGroup(id, context);
        expect(Object.keys(target.groups())).toEqual(['Night shift']);
        expect(await failureOf(connection.deleteGroup(id, context))).toMatchObject({ reason: GROUP_GONE });
      });
    });

    describe('changes who is in a group:', () => {
      it('adds and removes, and says of each what became of it', async () => {
        const [ada, bo, cy] = target.addPeople(['ada', 'bo', 'cy'].map((who) => `${who}@example.com`));
        const id = target.addGroup('On-call', [ada!]);
        const outcomes = await change(id, { add: [bo!, cy!], remove: [ada!] });
        expect(outcomes).toHaveLength(3);
        expect(outcomes).toEqual(
          expect.arrayContaining([
            { remoteUserId: bo, change: 'add', applied: true, role: null },
            { remoteUserId: cy, change: 'add', applied: true, role: null },
            { remoteUserId: ada, change: 'remove', applied: true, role: null },
          ]),
        );
        expect(membersOf('On-call')).toEqual([bo, cy].sort());
      });

      it('gives whoever is added the role that is asked, and shows it, where it says that there are roles', async () => {
        const { memberRoles } = target.provider.description;
        const people = target.addPeople(memberRoles.map(({ id }) => `${id}@example.com`));
        const id = target.addGroup('On-call');
        const add = memberRoles.map((role, index) => ({ remoteUserId: people[index]!, role: role.id }));
        const outcomes: MemberOutcome[] = [];
        for await (const outcome of connection.changeMembers(id, { add, remove: [] }, context)) {
          outcomes.push(outcome);
        }
        expect(outcomes).toEqual(add.map((member) => ({ ...member, change: 'add', applied: true })));
        const shown = await connection.listMembers(id, context);
        expect(shown).toHaveLength(add.length);
        expect(shown).toEqual(expect.arrayContaining(add));
      });

      it('does it again as if for the first time', async () => {
        const [ada, bo] = target.addPeople(['ada@example.com', 'bo@example.com']);
        const id = target.addGroup('On-call', [ada!]);
        const first = await change(id, { add: [bo!], remove: [ada!] });
        expect(await change(id, { add: [bo!], remove: [ada!] })).toEqual(first);
        expect(membersOf('On-call')).toEqual([bo]);
      });

      it('removes who was never in it, and who is nowhere any more', async () => {
        const [stranger, gone] = target.addPeople(['stranger@example.com', 'gone@example.com']);
        const id = target.addGroup('On-call', [gone!]);
        target.removePerson(gone!);
        const outcomes = await change(id, { remove: [stranger!, gone!] });
        expect(outcomes.map(({ applied }) => applied)).toEqual([true, true]);
      });

      it('adds everybody but those who are nowhere any more', async () => {
        const [gone, ada] = target.addPeople(['gone@example.com', 'ada@example.com']);
        const id = target.addGroup('On-call');
        target.removePerson(gone!);
        const outcomes = await change(id, { add: [gone!, ada!] });
        expect(outcomes).toMatchObject([
          { remoteUserId: gone, applied: false, error: { kind: 'not-found', reason: USER_GONE } },
          { remoteUserId: ada, applied: true },
        ]);
        expect(membersOf('On-call')).toEqual([ada]);
      });

      it('adds nobody to a group that is full, and goes on', async () => {
        const { membersPerGroup } = target.provider.limits;
        const emails = Array.from({ length: membersPerGroup + 1 }, (_, index) => emailOf(index));
        const [late, ...early] = target.addPeople(emails);
        const id = target.addGroup('On-call', early);
        const outcomes = await change(id, { add: [late!], remove: [early[0]!] });
        expect(outcomes).toMatchObject([
          { remoteUserId: late, applied: false, error: { kind: 'rejected', reason: GROUP_FULL } },
          { remoteUserId: early[0], applied: true },
        ]);
        expect(membersOf('On-call')).toEqual(early.slice(1).sort());
      });

      it.each(['add', 'remove'] as const)('does not %s where the group is gone', async (kind) => {
        const [ada] = target.addPeople(['ada@example.com']);
        const id = target.addGroup('On-call', [ada!]);
        target.removeGroup(id);
        const error = await failureOf(change(id, { [kind]: [ada!] }));
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject({ kind: 'not-found', reason: GROUP_GONE, outcome: 'not-applied' });
      });
    });

    it.each(['create', 'update', 'delete', 'add', 'remove'] as const)(
      'says that it may %s, or that this is not told, and changes nothing by that',
      async (write) => {
        const [ada] = target.addPeople(['ada@example.com']);
        const id = target.addGroup('On-call', [ada!]);
        const before = target.groups();
        expect([true, null]).toContain(await connection.mayWrite(write, null, context));
        if (write === 'add' || write === 'remove') {
          expect([true, null]).toContain(await connection.mayWrite(write, id, context));
        }
        expect(target.groups()).toEqual(before);
      },
    );

    describe('lists who is in a group', () => {
      it('to the last of them', async () => {
        const ids = target.addPeople(Array.from({ length: MANY }, (_, index) => emailOf(index)));
        const id = target.addGroup('On-call', ids);
        const members = await connection.listMembers(id, context);
        expect(members.map(({ remoteUserId }) => remoteUserId).sort()).toEqual([...ids].sort());
      });

      it('and has no list of one that is gone, rather than an empty one', async () => {
        const id = target.addGroup('On-call');
        expect(await connection.listMembers(id, context)).toEqual([]);
        target.removeGroup(id);
        const error = await failureOf(connection.listMembers(id, context));
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject({ kind: 'not-found', reason: GROUP_GONE });
      });
    });

    it('shows at once who is in which of the groups that are asked for, which are gone, and who is there', async () => {
      const [ada, bo] = target.addPeople(['ada@example.com', 'bo@example.com']);
      const both = target.addGroup('Both', [ada!, bo!]);
      const nobody = target.addGroup('Nobody');
      const gone = target.addGroup('Gone', [ada!]);
      target.addGroup('Not asked for', [bo!]);
      target.removeGroup(gone);
      const shown = await connection.snapshot(new Set([both, nobody, gone]), context);
      expect(Object.fromEntries(shown.groups)).toEqual({
        [both]: { name: 'Both', memberIds: new Set([ada, bo]), membersComplete: true },
        [nobody]: { name: 'Nobody', memberIds: new Set(), membersComplete: true },
        [gone]: null,
      });
      expect(shown).toMatchObject({ complete: { groups: true, members: true }, failures: [] });
      expect(shown.unknownUserIds).toEqual(new Set());
      expect(shown.hidden).toEqual(new Set());
      expect(shown.users?.get(ada!)).toBe('ada@example.com');
      expect(shown.users?.get(bo!)).toBe('bo@example.com');
    });

    describe('tests the connection', () => {
      it('and finds the account, with nothing wrong, nothing changed and no token left behind', async () => {
        target.addGroup('On-call', target.addPeople(['ada@example.com']));
        const before = target.groups();
        const store = { get: jest.fn(), drop: jest.fn() };
        const checks = await diagnose(target.access, { ...hostOf(), tokens: store });
        expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
        expect(checks.length).toBeGreaterThan(0);
        const ids = checks.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
        const accounts = checks.flatMap(({ account }) => account ?? []);
        expect(accounts).toEqual([await connection.account(context)]);
        expect(target.groups()).toEqual(before);
        expect(store.get).not.toHaveBeenCalled();
      });

      it('and says that the secret is wrong, without saying it', async () => {
        const checks = await diagnose({ ...target.access, secret: WRONG_SECRET });
        const [failed] = checks.filter(({ status }) => status === 'failed');
        expect(failed).toMatchObject({ reason: expect.any(String), remedy: expect.any(String) });
        expect(failed!.transient ?? false).toBe(false);
        expect(JSON.stringify(checks)).not.toContain(WRONG_SECRET);
      });
    });

    it('fails every call with a wrong secret for its credentials, without saying it', async () => {
      connection = connect({ ...target.access, secret: WRONG_SECRET });
      const calls = { ...reads(), ...writes() };
      const before = target.groups();
      for (const call of Object.values(calls)) {
        const error = await failureOf(call(context));
        expect(error).toBeInstanceOf(ProviderError);
        expect(error).toMatchObject({ kind: 'credentials', outcome: 'not-applied', accountWide: true });
        expect(inspect(error, { depth: 20 })).not.toContain(WRONG_SECRET);
      }
      expect(target.groups()).toEqual(before);
    });

    it('throws the reason of whoever aborts, and does nothing', async () => {
      const reason = new Error('The lease is lost.');
      const aborted = { ...context, signal: AbortSignal.abort(reason) };
      const testing = connection.diagnose(aborted)[Symbol.asyncIterator]();
      const calls = { ...reads(), ...writes(), diagnose: () => testing.next() };
      const before = target.groups();
      for (const [method, call] of Object.entries(calls)) {
        expect({ method, error: await failureOf(call(aborted)) }).toEqual({ method, error: reason });
      }
      expect(target.groups()).toEqual(before);
    });

    it('asks before every write whether it may, and sends nothing where it may not', async () => {
      const reason = new Error('The lease ends too soon.');
      const refused = {
        ...context,
        assertMaySend: () => {
          throw reason;
        },
      };
      const calls = writes();
      const before = target.groups();
      for (const [method, call] of Object.entries(calls)) {
        expect({ method, error: await failureOf(call(refused)) }).toEqual({ method, error: reason });
        expect(target.groups()).toEqual(before);
      }
    });

    it('takes every call from the budget, makes it in a slot, and gives it back', async () => {
      const host = hostOf();
      const acquire = jest.spyOn(host.budget, 'acquire');
      const ended = jest.spyOn(host.budget, 'ended');
      const use = jest.spyOn(host.slots, 'use');
      connection = connect(target.access, host);
      for (const [method, call] of Object.entries({ ...reads(), ...writes() })) {
        acquire.mockClear();
        ended.mockClear();
        use.mockClear();
        await call(context);
        const taken = acquire.mock.calls.length;
        expect({ method, taken }).not.toEqual({ method, taken: 0 });
        expect({ method, inSlots: use.mock.calls.length }).toEqual({ method, inSlots: taken });
        expect({ method, givenBack: ended.mock.calls.length }).toEqual({ method, givenBack: taken });
      }
    });
  });
}
