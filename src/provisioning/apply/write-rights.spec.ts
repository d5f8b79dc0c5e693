import type { CallContext, GroupWrite } from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { type KnownOfRights, WriteRights } from './write-rights';

const call = {} as CallContext;
const refusal = new ProviderError({
  kind: 'permission',
  outcome: 'not-applied',
  reason: 'access_denied',
  message: 'Denied.',
  remedy: 'Ask.',
});

/** @param answer whether the credential may write at all; a function is asked about each group */
function rightsOf(
  answer: boolean | null | ((groupId: string | null) => boolean | null),
  known: Partial<KnownOfRights> = {},
) {
  const asked: (string | null)[] = [];
  const mayWrite = (_: GroupWrite, groupId: string | null) => {
    asked.push(groupId);
    return Promise.resolve(typeof answer === 'function' ? answer(groupId) : answer);
  };
  const rights = new WriteRights(
    { mayWrite },
    {
      stoppedFor: () => Promise.resolve({ stopped: 0, all: 1_000 }),
      writableGroup: () => Promise.resolve('well'),
      isSuspendedFor: () => false,
      ...known,
    },
  );
  const refused = (write: GroupWrite, groupId: string | null, usersInARow = 1) =>
    rights.refused(write, groupId, usersInARow, refusal, call);
  return { rights, asked, refused };
}

const lacks = ({ rights }: { rights: WriteRights }) => {
  try {
    rights.assertPermitted();
    return false;
  } catch (error) {
    return error === refusal;
  }
};
const mayTry = (rights: WriteRights, write: GroupWrite, groupId: string | null = null) => {
  try {
    rights.assertMayTry(write, groupId);
    return true;
  } catch {
    return false;
  }
};

describe('refused writes', () => {
  it('of one or two groups are no reason to ask', async () => {
    const world = rightsOf(false);
    await world.refused('add', 'a', 2);
    await world.refused('update', 'b');
    expect(world.asked).toEqual([]);
    expect(lacks(world)).toBe(false);
  });

  it('of a third group are, even if the others are only on record, and suspend if the credential may not write to another one', async () => {
    const world = rightsOf(false, { stoppedFor: () => Promise.resolve({ stopped: 2, all: 1_000 }) });
    await world.refused('add', 'a');
    expect(world.asked).toEqual(['well']);
    expect(lacks(world)).toBe(true);
    expect(mayTry(world.rights, 'add', 'b')).toBe(false);
    expect(mayTry(world.rights, 'remove', 'b')).toBe(true);
  });

  it.each([true, null])(
    'do not suspend if the answer is %s, and the question is not asked again',
    async (answer) => {
      const world = rightsOf(answer);
      for (const group of ['a', 'b', 'c', 'd', 'e']) await world.refused('add', group);
      expect(world.asked).toEqual(['well']);
      expect(lacks(world)).toBe(false);
      expect(mayTry(world.rights, 'add', 'f')).toBe(true);
    },
  );

  it('of three users of one group stop the writes of that group only, if only that group is closed', async () => {
    const world = rightsOf((groupId) => groupId !== 'a');
    for (const usersInARow of [1, 2, 3]) await world.refused('remove', 'a', usersInARow);
    expect(world.asked).toEqual(['a', 'well']);
    expect(lacks(world)).toBe(false);
    expect(mayTry(world.rights, 'remove', 'a')).toBe(false);
    expect(mayTry(world.rights, 'add', 'a')).toBe(true);
    expect(mayTry(world.rights, 'remove', 'b')).toBe(true);
  });

  it('of one kind stop, and suspend nothing, while other kinds succeed', async () => {
    const world = rightsOf(false);
    await world.refused('create', null);
    world.rights.granted('remove');
    for (let group = 0; group < 2; group += 1) await world.refused('create', null);
    expect(lacks(world)).toBe(false);
    expect(mayTry(world.rights, 'create')).toBe(false);
  });

  it('are counted from zero after a write that succeeds', async () => {
    const world = rightsOf(false);
    for (const group of ['a', 'b']) await world.refused('add', group);
    world.rights.granted('add');
    for (const group of ['c', 'd']) await world.refused('add', group);
    expect(world.asked).toEqual([]);
    await world.refused('add', 'e');
    expect(lacks(world)).toBe(true);
    world.rights.granted('add');
    expect(lacks(world)).toBe(false);
    expect(mayTry(world.rights, 'add')).toBe(true);
  });

  it('stop after a hundred in a row, also without a known cause', async () => {
    const world = rightsOf(null);
    for (let index = 0; index < 99; index += 1) await world.refused('create', null);
    expect(mayTry(world.rights, 'create')).toBe(true);
    await world.refused('create', null);
    expect(() => world.rights.assertMayTry('create', null)).toThrow(
      expect.objectContaining({ reason: 'access_denied', retryAfterMs: 300_000 }),
    );
    expect(lacks(world)).toBe(false);
  });
});
