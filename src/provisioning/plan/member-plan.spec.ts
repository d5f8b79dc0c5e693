import fc from '../../../test/support/properties';
import { type KnownMember, type MemberPlanInput, type Person, isUnmanaged, planMembers } from './member-plan';

const person = (userId: string, desired: boolean, remoteUserId: string | null = `r-${userId}`): Person => ({
  userId,
  desired,
  link:
    remoteUserId === null
      ? { kind: 'unresolved', reason: 'user_not_found', message: 'nobody', nextCheckAt: 5 }
      : { kind: 'resolved', remoteUserId },
});

const input = (people: Person[], known: [string, KnownMember][], more: Partial<MemberPlanInput> = {}) => ({
  people,
  remoteUserIds: [],
  wanted: wantedBy(people),
  known: new Map(known),
  leavers: new Set<string>(),
  unmanagedMembers: 'keep' as const,
  room: 100,
  ...more,
});

function wantedBy(people: readonly Person[]): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  for (const { userId, desired, link } of people) {
    if (desired && link.kind === 'resolved') {
      wanted.set(link.remoteUserId, [...(wanted.get(link.remoteUserId) ?? []), userId]);
    }
  }
  return wanted;
}

const present: KnownMember = { state: 'present', managed: true, preexisting: false };
const stranger: KnownMember = { state: 'present', managed: false, preexisting: false };
const earlier: KnownMember = { state: 'present', managed: false, preexisting: true };
const adding: KnownMember = { state: 'adding', managed: true, preexisting: false };
const removing: KnownMember = { state: 'removing', managed: true, preexisting: false };

describe('the plan for the members of a remote group', () => {
  it.each<[string, boolean, KnownMember | null, object]>([
    ['adds a wanted remote user that is no member', true, null, { add: ['r-a'] }],
    ['repeats an addition without an answer', true, adding, { add: ['r-a'] }],
    ['adds a member that is wanted again during its removal', true, removing, { add: ['r-a'] }],
    [
      'keeps a member that is wanted again after a refused removal',
      true,
      { ...removing, isKept: true },
      { manage: ['r-a'] },
    ],
    ['does nothing about a wanted member of ours', true, present, {}],
    ['takes over a wanted unmanaged member without a call', true, stranger, { manage: ['r-a'] }],
    ['does nothing about an unwanted remote user that is no member', false, null, {}],
    [
      'removes a member that is no longer wanted',
      false,
      present,
      { remove: [{ remoteUserId: 'r-a', leaver: false }] },
    ],
    [
      'removes an unwanted remote user whose addition may have happened',
      false,
      adding,
      { remove: [{ remoteUserId: 'r-a', leaver: false }] },
    ],
    [
      'repeats a removal without an answer',
      false,
      removing,
      { remove: [{ remoteUserId: 'r-a', leaver: false }] },
    ],
    ['never removes a member that was never wanted', false, stranger, {}],
  ])('%s', (_, desired, known, expected) => {
    const plan = planMembers(input([person('a', desired)], known ? [['r-a', known]] : []));
    expect(plan).toEqual({ add: [], remove: [], manage: [], park: [], full: [], unpark: ['a'], ...expected });
  });

  it.each<[string, boolean, KnownMember, object]>([
    ['removes an unmanaged member', false, stranger, { remove: [{ remoteUserId: 'r-a', leaver: false }] }],
    ['takes over a wanted unmanaged member', true, stranger, { manage: ['r-a'] }],
    ['keeps a member from before the adoption', false, earlier, {}],
  ])('%s, under the policy remove', (_, desired, known, expected) => {
    const plan = planMembers(
      input([person('a', desired)], [['r-a', known]], {
        unmanagedMembers: 'remove',
        leavers: new Set(['r-a']),
      }),
    );
    expect(plan).toEqual({ add: [], remove: [], manage: [], park: [], full: [], unpark: ['a'], ...expected });
  });

  it('parks a wanted user without a remote user, with reason and next check', () => {
    const plan = planMembers(input([person('a', true, null)], []));
    expect(plan.park).toEqual([{ userId: 'a', reason: 'user_not_found', message: 'nobody', nextCheckAt: 5 }]);
    expect(plan.unpark).toEqual([]);
  });

  it('keeps a remote user that another group member is linked to', () => {
    const people = [person('a', false, 'r'), person('b', true, 'r')];
    expect(planMembers(input(people, [['r', present]])).remove).toEqual([]);
  });

  it('fills the free places in order, and lists the users without a place', () => {
    const people = ['a', 'b', 'c'].map((userId) => person(userId, true));
    const plan = planMembers(input(people, [['r-a', adding]], { room: 1 }));
    expect(plan).toMatchObject({ add: ['r-a', 'r-b'], full: ['r-c'], unpark: ['a', 'b'] });
  });

  it('also plans remote users that are given without a user', () => {
    const plan = planMembers(
      input([], [['x', present]], { remoteUserIds: ['x', 'y'], leavers: new Set(['x']) }),
    );
    expect(plan.remove).toEqual([{ remoteUserId: 'x', leaver: true }]);
  });

  it('puts failed calls last, and leavers before other removals', () => {
    const people = ['a', 'b', 'c'].map((userId) => person(userId, true));
    const plan = planMembers(
      input(
        people,
        [
          ['r-a', { ...adding, failures: 2 }],
          ['r-b', { ...adding, failures: 1 }],
          ['w', { ...removing, failures: 1 }],
          ['x', present],
          ['y', { ...removing, failures: 1 }],
          ['z', present],
        ],
        { remoteUserIds: ['w', 'x', 'y', 'z'], leavers: new Set(['y', 'z']) },
      ),
    );
    expect(plan.add).toEqual(['r-c', 'r-b', 'r-a']);
    expect(plan.remove.map(({ remoteUserId }) => remoteUserId)).toEqual(['z', 'x', 'y', 'w']);
  });

  const anyKnown = fc.record({
    state: fc.constantFrom('adding' as const, 'present' as const, 'removing' as const),
    managed: fc.boolean(),
    preexisting: fc.boolean(),
  });
  const anyPeople = fc.uniqueArray(
    fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean(), fc.option(fc.integer({ min: 0, max: 8 }))),
    { selector: ([userId]) => userId, maxLength: 12 },
  );
  const anyInput = fc
    .tuple(
      anyPeople,
      fc.dictionary(fc.constantFrom(...'012345678'), anyKnown),
      fc.integer({ min: 0, max: 10 }),
      fc.constantFrom('keep' as const, 'remove' as const),
    )
    .map(([people, known, room, unmanagedMembers]) => {
      const persons = people.map(([userId, desired, remote]) =>
        person(`u${userId}`, desired, remote === null ? null : String(remote)),
      );
      return input(persons, Object.entries(known), {
        room,
        unmanagedMembers,
        remoteUserIds: [...'012345678'],
      });
    });

  /** Applies the plan to a remote group. */
  const applied = ({ known }: MemberPlanInput, plan: ReturnType<typeof planMembers>) => {
    const team = new Map(known);
    for (const id of plan.add) team.set(id, present);
    for (const { remoteUserId } of plan.remove) team.delete(remoteUserId);
    for (const id of plan.manage) team.set(id, present);
    return team;
  };

  it('reaches what the IdP wants, and is empty when it is reached', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const plan = planMembers(given);
        const team = applied(given, plan);
        for (const wanted of given.wanted.keys()) {
          expect(team.has(wanted) || plan.full.includes(wanted)).toBe(true);
        }
        const free = given.room - plan.add.filter((id) => !given.known.has(id)).length + plan.remove.length;
        const again = planMembers({ ...given, known: team, room: plan.full.length > 0 ? 0 : free });
        expect([again.add, again.remove, again.manage]).toEqual([[], [], []]);
      }),
    );
  });

  it('never removes an unmanaged member under the policy keep', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        for (const { remoteUserId } of planMembers({ ...given, unmanagedMembers: 'keep' }).remove) {
          const known = given.known.get(remoteUserId)!;
          expect(known.managed || known.state !== 'present').toBe(true);
        }
      }),
    );
  });

  it('removes every unmanaged member under the policy remove, and no other member in addition', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const removed = (unmanagedMembers: 'keep' | 'remove') =>
          planMembers({ ...given, unmanagedMembers }).remove.map(({ remoteUserId }) => remoteUserId);
        const strangers = [...given.known]
          .filter(
            ([id, member]) => !given.wanted.has(id) && isUnmanaged(member) && member.state === 'present',
          )
          .map(([id]) => id);
        expect(removed('remove').sort()).toEqual([...removed('keep'), ...strangers].sort());
      }),
    );
  });
});
