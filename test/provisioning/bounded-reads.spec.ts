import { setTimeout as pause } from 'node:timers/promises';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TransactionRunner } from '../../src/database/transaction-runner';
import { type Statement, StatementLog } from '../scim/scale/support/statement-log';
import { walksTable } from '../support/query-plan';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { type Filled, fillIntegration } from './support/filled-integration';

const USERS = 1_200;
const LARGE_GROUPS = 5;
const WITHOUT_TEAM = 1;
const SMALL_GROUPS = 30;
const EVENTS = 2_500;
/** As many rows as the largest slice has, in each of the tables that one statement joins. */
const ROWS_PER_STATEMENT = 10_000;

describe('reading much of an integration', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let filled: Filled;
  let log: StatementLog;
  let reader: DataSource;

  beforeAll(async () => {
    scimify = await Scimify.start();
    integration = await scimify.createIntegration({ authMethod: 'api_key', enable: false });
    filled = await fillIntegration(scimify, integration, {
      users: USERS,
      largeGroups: LARGE_GROUPS,
      withoutTeam: WITHOUT_TEAM,
      smallGroups: SMALL_GROUPS,
    });
    await fillAudit();
    reader = scimify.app.get<DataSource>(getDataSourceToken());
    log = StatementLog.attach(scimify.app);
  }, 120_000);

  afterAll(() => scimify.stop());

  const fillAudit = async () => {
    const rows = Array.from({ length: EVENTS }, (_, n) => [
      `01000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
      n,
      integration.tenantId,
      n === 1 ? 'rare' : 'common',
    ]);
    await scimify.app.get(TransactionRunner).run(async (tx) => {
      for (let start = 0; start < rows.length; start += 500) {
        const some = rows.slice(start, start + 500);
        await tx.query(
          `INSERT INTO audit_event (id, at, tenantId, actorName, actorKind, action, targetType, targetId, outcome) VALUES
           ${some.map(() => "(?, ?, ?, ?, 'system', 'group.changed', 'group', '', 'succeeded')").join(', ')}`,
          some.flat(),
        );
      }
    });
  };

  const get = async (path: string) => {
    const answer = await scimify.admin.get(path.replace('ID', `/integrations/${integration.id}`));
    expect(answer.status).toBe(200);
    return answer.body;
  };

  const allPages = async (path: string): Promise<any[]> => {
    const items: any[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: any = await get(
        `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor && `&cursor=${cursor}`}`,
      );
      items.push(...(page.items ?? page.groups));
      cursor = page.nextCursor;
    }
    return items;
  };

  /** Counts each membership, in the simplest way. */
  const recount = async (groupId?: string) => {
    const [row] = await reader.query<[{ desired: number; applied: number }]>(
      `SELECT COUNT(*) AS desired, SUM(CASE WHEN t.state = 'present' THEN 1 ELSE 0 END) AS applied
       FROM group_member m JOIN scim_user u ON u.id = m.userId AND u.active = 1 AND u.deletedAt IS NULL
       LEFT JOIN remote_group r ON r.groupId = m.groupId
       LEFT JOIN remote_user l ON l.userId = m.userId
       LEFT JOIN remote_member t ON t.remoteGroupId = r.id AND t.remoteUserId = l.remoteUserId
       WHERE m.integrationId = ? ${groupId === undefined ? '' : 'AND m.groupId = ?'}`,
      [integration.id, ...(groupId === undefined ? [] : [groupId])],
    );
    const [desired, applied] = [Number(row.desired), Number(row.applied)];
    return { desired, applied, pending: desired - applied };
  };

  /** Members of the team that belong to no active user in the group. */
  const leavingOf = async (groupId: string) => {
    const [row] = await reader.query<[{ leaving: number }]>(
      `SELECT COUNT(*) AS leaving FROM remote_member t JOIN remote_group r ON r.id = t.remoteGroupId
       WHERE r.groupId = ? AND t.managed = 1 AND t.state <> 'adding' AND t.remoteUserId NOT IN (
         SELECT l.remoteUserId FROM remote_user l JOIN scim_user u ON u.id = l.userId AND u.active = 1
         JOIN group_member m ON m.userId = u.id AND m.groupId = ? WHERE l.remoteUserId IS NOT NULL)`,
      [groupId, groupId],
    );
    return Number(row.leaving);
  };

  /** Statements that read more of a table than a slice. */
  const unbounded = async (statements: readonly Statement[]): Promise<string[]> => {
    const found: string[] = [];
    const asked = new Set<string>();
    for (const statement of statements) {
      if (asked.has(statement.sql)) continue;
      asked.add(statement.sql);
      const { plan, rowsRead } = await log.costOf(statement);
      if (rowsRead === null ? walksTable(plan) : rowsRead > ROWS_PER_STATEMENT) found.push(statement.sql);
    }
    return found;
  };

  it.each([
    ['the overview', () => 'ID/overview'],
    ['the list of groups', () => 'ID/groups?limit=200'],
    ['a search of groups that finds nothing', () => 'ID/groups?search=nothing'],
    ['groups in a state that none is in', () => 'ID/groups?state=blocked'],
    ['a large group', () => `ID/groups/${filled.largeGroupIds[2]}`],
    ['members of a large group', () => `ID/groups/${filled.largeGroupIds[2]}/members?state=blocked`],
    ['members of a small group', () => `ID/groups/${filled.smallGroupIds[2]}/members`],
    ['the list of users', () => 'ID/users?limit=200'],
    ['a search of users that finds nothing', () => 'ID/users?search=nothing'],
    ['users in a state that none is in', () => 'ID/users?state=ambiguous'],
    ['the plan', () => 'ID/plan?limit=200'],
    ['the plan of a large group', () => `ID/groups/${filled.largeGroupIds[0]}/plan`],
    ['drift', () => 'ID/drift'],
    ['held changes', () => 'ID/held-changes'],
    ['refused writes', () => 'ID/refused-writes'],
    ['what nobody has done', () => `/tenants/${integration.tenantId}/audit-events?actor=nobody`],
  ])('goes through a slice with each statement: %s', async (_, path) => {
    const { statements } = await log.during(() => get(path()));
    expect(statements.length).toBeGreaterThan(0);
    expect(await unbounded(statements)).toEqual([]);
  });

  it('counts in slices what a plain count finds', async () => {
    const figures = await get('ID/overview');
    expect(figures.members).toEqual(await recount());
    expect(figures.groups).toMatchObject({
      pending: WITHOUT_TEAM,
      partial: LARGE_GROUPS - WITHOUT_TEAM,
      synced: SMALL_GROUPS,
    });
    // One in a hundred users has left and is kept.
    expect(figures.leaversStillOnTeam).toBe(USERS / 100);
  });

  it('does not count a large integration again for whoever asks at once, and says when it was counted', async () => {
    const looks = (statements: readonly Statement[]) =>
      statements.filter(({ sql }) => sql.includes('FROM group_member')).length;
    await waitFor(
      'two overviews of one count',
      async () => {
        const first = await get('ID/overview');
        let second = first;
        const { statements } = await log.during(async () => {
          second = await get('ID/overview');
        });
        return { isSame: first.countedAt === second.countedAt, looks: looks(statements) };
      },
      (seen) => seen.isSame && seen.looks === 0,
    );
  });

  it('tells of each group how many are wanted and are there', async () => {
    const groups = await allPages('ID/groups');
    expect(groups).toHaveLength(LARGE_GROUPS + SMALL_GROUPS);
    for (const { id, members } of groups) {
      const { desired, applied, pending } = await recount(id);
      const leaving = await leavingOf(id);
      expect({ id, members }).toEqual({
        id,
        members: { desired, applied: applied + leaving, pending: pending + leaving },
      });
    }
    expect(groups[1].reason).toBe('leaver_still_on_team');
  });

  it('finds what filters ask for, wherever in the list it is', async () => {
    const last = filled.userIds.at(-1)!;
    const users = await allPages(`ID/users?search=user.${String(USERS - 1).padStart(6, '0')}`);
    expect(users.map(({ id }) => id)).toEqual([last]);
    const groups = await allPages(`ID/groups?search=GROUP ${LARGE_GROUPS + SMALL_GROUPS - 1}`);
    expect(groups.map(({ id }) => id)).toEqual([filled.smallGroupIds.at(-1)]);
    expect(await allPages('ID/groups?state=partial')).toHaveLength(LARGE_GROUPS - WITHOUT_TEAM);
    expect(await allPages('ID/users?state=not_found')).toHaveLength(USERS / 10);
  });

  it('lists members page by page, those who are only in the team among them', async () => {
    const members = await allPages(`ID/groups/${filled.largeGroupIds[2]}/members`);
    const states = members.reduce(
      (counts, { state }) => ({ ...counts, [state]: (counts[state] ?? 0) + 1 }),
      {},
    );
    const { desired, applied } = await recount(filled.largeGroupIds[2]);
    expect(states).toMatchObject({ applied, pending: desired - applied, removing: USERS / 100 });
    expect(members.map(({ userId }) => userId)).toEqual(
      [...new Set(members.map(({ userId }) => userId))].sort(),
    );
  });

  it('walks the plan to its end, whatever a page holds', async () => {
    const groups = await allPages('ID/plan');
    const first = groups.find(({ groupId }) => groupId === filled.largeGroupIds[0]);
    const { counts } = first;
    expect(counts.add + counts.unresolved).toBe((await recount(filled.largeGroupIds[0])).desired);
    expect(groups.map(({ groupId }) => groupId)).toEqual(expect.arrayContaining(filled.largeGroupIds));
  });

  it('finds a rare event among many, and ends', async () => {
    const path = `/tenants/${integration.tenantId}/audit-events`;
    expect(await allPages(`${path}?actor=rare`)).toHaveLength(1);
    expect(await allPages(`${path}?actor=common`)).toHaveLength(EVENTS - 1);
    const lines = await scimify.admin.get(`${path}/export?actor=common`);
    expect(lines.status).toBe(200);
  });

  it('counts once for all who ask at the same time', async () => {
    const query = reader.query.bind(reader);
    // On a fast machine one count would end before the next request arrives.
    const slowed = jest.spyOn(reader, 'query').mockImplementation(async (...given) => {
      await pause(20);
      return query(...given);
    });
    const figures = await Promise.all(Array.from({ length: 8 }, () => get('ID/overview')));
    slowed.mockRestore();
    expect([1, 2, 3]).toContain(new Set(figures.map(({ countedAt }) => countedAt)).size);
    expect(new Set(figures.map(({ members }) => JSON.stringify(members))).size).toBe(1);
  });
});
