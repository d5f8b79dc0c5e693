import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Scimify, type TestIntegration } from '../support/scimify';
import { waitFor } from '../support/wait';
import { beginReconciliation } from './support/reconciliation';

describe('the team of a group', () => {
  let scimify: Scimify;
  let integration: TestIntegration;
  let users: Record<string, string>;

  const email = (name: string) => `${name}@example.com`;

  beforeEach(async () => {
    scimify = await Scimify.start();
    for (const name of ['ada', 'bo', 'cy', 'dee']) scimify.pagerDuty.addUser({ email: email(name) });
  });

  afterEach(() => scimify.stop());

  const connect = async (policies: object = {}) => {
    integration = await scimify.createIntegration({ authMethod: 'api_key', policies });
    const names = ['ada', 'bo', 'cy', 'dee'];
    const ids = await integration.scim.createUsers(names.map(email));
    users = Object.fromEntries(names.map((name, index) => [name, ids[index]!]));
  };

  const personOf = (name: string) => scimify.pagerDuty.user(email(name))!.id;
  const retry = (group: string) =>
    scimify.admin.post(`/integrations/${integration.id}/groups/${group}/retry`);
  const shown = async (group: string) =>
    (await scimify.admin.get(`/integrations/${integration.id}/groups/${group}`)).body;
  const renamings = async (group: string): Promise<any[]> => {
    const query = `action=team.renamed&targetId=${group}`;
    const { body } = await scimify.admin.get(`/tenants/${integration.tenantId}/audit-events?${query}`);
    return body.items.reverse();
  };
  const untilGone = () =>
    waitFor(
      'the group to be gone',
      () => scimify.groups(integration),
      (groups) => groups.length === 0,
    );

  describe('that exists already', () => {
    beforeEach(() => {
      const team = scimify.pagerDuty.addTeam({ name: 'ON-CALL', description: 'made by hand' });
      scimify.pagerDuty.addMember(team.id, personOf('ada'));
      scimify.pagerDuty.addMember(team.id, personOf('dee'));
    });

    it('is adopted: nobody who was in it leaves, and it gets the name of the group', async () => {
      await connect();
      await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
      const [group] = await scimify.settled(integration);
      expect(group.remote).toMatchObject({ ownership: 'adopted', name: 'On-call' });
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo'), email('dee')] });
      expect(scimify.pagerDuty.team('On-call')?.description).toBe('made by hand');
    });

    it('loses an earlier member whom the IdP had in the group and takes out, but never a stranger', async () => {
      await connect();
      const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
      await scimify.settled(integration);
      await integration.scim.removeMembers(group, users.ada!);
      await scimify.settled(integration);
      expect(scimify.teams()).toEqual({ 'On-call': [email('bo'), email('dee')] });
    });

    it('is released and not deleted with its group: who was there before stays', async () => {
      await connect();
      const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
      await scimify.settled(integration);
      await integration.scim.delete(`/Groups/${group}`);
      await untilGone();
      expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('dee')] });
    });

    it('blocks the group where the policy says so, and is used once the policy can be met', async () => {
      await connect({ existingTeams: 'fail' });
      const group = await integration.scim.createGroup('On-call', [users.bo!]);
      await scimify.settled(integration, ['blocked']);
      expect(await shown(group)).toMatchObject({ reason: 'team_exists', remote: null });
      expect(scimify.teams()).toEqual({ 'ON-CALL': [email('ada'), email('dee')] });
      await integration.scim.renameGroup(group, 'On-call 2');
      await scimify.settled(integration);
      expect(scimify.teams()['On-call 2']).toEqual([email('bo')]);
    });
  });

  it('that another integration holds is never adopted', async () => {
    await connect();
    await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    const other = await scimify.createIntegration({ authMethod: 'api_key' });
    const group = await other.scim.createGroup('on-call');
    await scimify.settled(other, ['blocked']);
    const { body } = await scimify.admin.get(`/integrations/${other.id}/groups/${group}`);
    expect(body).toMatchObject({
      reason: 'team_claimed',
      message: expect.stringContaining('another integration'),
    });
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada')] });
  });

  it('with a name that is too long is not made, and says so; a shorter name makes it', async () => {
    await connect();
    const group = await integration.scim.createGroup('x'.repeat(101), [users.ada!]);
    await scimify.settled(integration, ['blocked']);
    expect(await shown(group)).toMatchObject({
      reason: 'name_too_long',
      message: expect.stringContaining('101'),
    });
    await integration.scim.renameGroup(group, 'x'.repeat(100));
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ ['x'.repeat(100)]: [email('ada')] });
  });

  it('keeps getting and losing members while PagerDuty refuses its new name', async () => {
    await connect();
    const group = await integration.scim.createGroup('One', [users.ada!]);
    await scimify.settled(integration);
    scimify.pagerDuty.addTeam({ name: 'Two' });
    await integration.scim.renameGroup(group, 'two');
    await integration.scim.addMembers(group, users.bo!);
    await integration.scim.removeMembers(group, users.ada!);
    await scimify.settled(integration, ['partial']);
    expect(await shown(group)).toMatchObject({ reason: 'name_taken', remote: { name: 'One' } });
    expect(scimify.teams()).toEqual({ One: [email('bo')], Two: [] });
    const { id: remoteId } = scimify.pagerDuty.team('One')!;
    expect((await renamings(group))[0]).toMatchObject({
      outcome: 'failed',
      detail: { remoteId, from: 'One', to: 'two', temporary: false, reason: 'name_taken' },
    });
  });

  it('swaps its name with that of another, and three go round in a circle', async () => {
    await connect();
    const groups: Record<string, string> = {};
    for (const name of ['One', 'Two', 'Three'])
      groups[name] = await integration.scim.createGroup(name, [users.ada!]);
    await scimify.settled(integration);
    const teams = Object.fromEntries(
      ['One', 'Two', 'Three'].map((name) => [name, scimify.pagerDuty.team(name)!.id]),
    );
    const rename = (group: string, name: string) => integration.scim.renameGroup(groups[group]!, name);
    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await rename('One', 'swapping');
    await rename('Two', 'One');
    await rename('One', 'Two');
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration);
    expect(scimify.pagerDuty.team('Two')?.id).toBe(teams.One);
    expect(scimify.pagerDuty.team('One')?.id).toBe(teams.Two);
    // One of the two used a temporary name.
    const steps = (await Promise.all([renamings(groups.One!), renamings(groups.Two!)])).sort(
      (a, b) => a.length - b.length,
    );
    expect(steps.map((events) => events.map(({ detail }) => detail.temporary))).toEqual([
      [false],
      [true, false],
    ]);
    const [away, back] = steps[1].map(({ detail }) => detail);
    expect(away.to).toContain(`${away.from} (being renamed`);
    expect(back).toMatchObject({ remoteId: away.remoteId, from: away.to });

    await scimify.admin.post(`/integrations/${integration.id}/pause`);
    await rename('One', 'turning');
    await rename('Three', 'Two');
    await rename('Two', 'Three');
    await rename('One', 'One');
    await scimify.admin.post(`/integrations/${integration.id}/enable`);
    await scimify.settled(integration);
    expect(['One', 'Two', 'Three'].map((name) => scimify.pagerDuty.team(name)?.id)).toEqual([
      teams.One,
      teams.Three,
      teams.Two,
    ]);
    expect(scimify.pagerDuty.teams()).toHaveLength(3);
  });

  describe('that is renamed to the name of another of our teams', () => {
    let alpha: string;
    let beta: string;
    let teams: Record<string, string>;
    const TOO_LONG = 'x'.repeat(120);

    beforeEach(async () => {
      await connect();
      alpha = await integration.scim.createGroup('Alpha', [users.ada!]);
      beta = await integration.scim.createGroup('Beta', [users.bo!]);
      await scimify.settled(integration);
      teams = { alpha: scimify.pagerDuty.team('Alpha')!.id, beta: scimify.pagerDuty.team('Beta')!.id };
    });

    const until = (group: string, reason: string) =>
      waitFor(
        `${reason} to be said`,
        () => shown(group),
        (body) => body.reason === reason,
      );
    const isLeftAlone = ({ nextAttemptAt }: { nextAttemptAt: string }) =>
      expect(Date.parse(nextAttemptAt)).toBeGreaterThan(Date.now() + 20 * 60_000);

    it('is told whose the name is while that one cannot be renamed, and gets it as soon as it is free', async () => {
      await integration.scim.renameGroup(beta, TOO_LONG);
      await until(beta, 'name_too_long');
      await integration.scim.renameGroup(alpha, 'Beta');
      const waiting = await until(alpha, 'team_claimed');
      expect(waiting).toMatchObject({ state: 'partial', remote: { name: 'Alpha' } });
      expect(waiting.message).toBe(
        `The team "Beta" belongs to the group "${TOO_LONG}". Rename this group, or rename or delete the other group first.`,
      );
      isLeftAlone(waiting);
      await integration.scim.renameGroup(beta, 'Gamma');
      await scimify.settled(integration);
      expect(scimify.pagerDuty.team('Beta')?.id).toBe(teams.alpha);
      expect(scimify.pagerDuty.team('Gamma')?.id).toBe(teams.beta);
    });

    it('swaps names with it, although that one had given up waiting for its own', async () => {
      await integration.scim.renameGroup(alpha, TOO_LONG);
      await until(alpha, 'name_too_long');
      await integration.scim.renameGroup(beta, 'Alpha');
      isLeftAlone(await until(beta, 'team_claimed'));
      await integration.scim.renameGroup(alpha, 'Beta');
      await scimify.settled(integration);
      expect(scimify.pagerDuty.team('Beta')?.id).toBe(teams.alpha);
      expect(scimify.pagerDuty.team('Alpha')?.id).toBe(teams.beta);
    });

    describe('whose group was deleted, while PagerDuty does not let the team go', () => {
      beforeEach(async () => {
        scimify.pagerDuty.associate(teams.beta!, 'Schedules');
        await integration.scim.delete(`/Groups/${beta}`);
        await until(beta, 'team_in_use');
        await integration.scim.renameGroup(alpha, 'Beta');
        const waiting = await until(alpha, 'name_not_free_yet');
        expect(waiting).toMatchObject({
          state: 'partial',
          message:
            'The name "Beta" is not free yet: the team of the deleted group "Beta" still has it. ' +
            'Scimify tries again when that team is deleted or released. If it lasts, see the state of that group.',
        });
        isLeftAlone(waiting);
      });

      const gotIt = async () => {
        await scimify.settled(integration);
        expect(scimify.teams()).toEqual({ Beta: [email('ada')] });
        expect(scimify.pagerDuty.team('Beta')?.id).toBe(teams.alpha);
      };

      it('gets it as soon as that one goes', async () => {
        scimify.pagerDuty.dissociate(teams.beta!, 'Schedules');
        await retry(beta);
        await gotIt();
      });

      it('gets it as soon as that one is seen to have been deleted by hand', async () => {
        scimify.pagerDuty.removeTeam(teams.beta!);
        await beginReconciliation(scimify, integration);
        await gotIt();
      });
    });

    it('gets it as soon as that one, which cannot be renamed, is seen to have been renamed by hand', async () => {
      await integration.scim.renameGroup(beta, TOO_LONG);
      await until(beta, 'name_too_long');
      await integration.scim.renameGroup(alpha, 'Beta');
      await until(alpha, 'team_claimed');
      scimify.pagerDuty.renameTeam(teams.beta!, 'By hand');
      await beginReconciliation(scimify, integration);
      await waitFor(
        'the name',
        () => scimify.pagerDuty.team('Beta')?.id,
        (id) => id === teams.alpha,
      );
    });

    it('gets it although the other is still to be renamed to that of a third, and so on', async () => {
      const gamma = await integration.scim.createGroup('Gamma', [users.cy!]);
      await scimify.settled(integration);
      await integration.scim.renameGroup(gamma, TOO_LONG);
      await until(gamma, 'name_too_long');
      await integration.scim.renameGroup(beta, 'Gamma');
      await until(beta, 'team_claimed');
      await integration.scim.renameGroup(alpha, 'Beta');
      await until(alpha, 'team_claimed');
      await integration.scim.renameGroup(gamma, 'Delta');
      await scimify.settled(integration);
      expect(scimify.teams()).toEqual({ Beta: [email('ada')], Gamma: [email('bo')], Delta: [email('cy')] });
    });
  });

  it('that was deleted by hand is made again with all its members', async () => {
    // A team that Scimify made a moment ago may just not be visible yet. This one is older.
    const { id } = scimify.pagerDuty.addTeam({ name: 'On-call' });
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    scimify.pagerDuty.removeTeam(id);
    await integration.scim.addMembers(group, users.cy!);
    await waitFor(
      'the team to be there again',
      () => scimify.teams()['On-call'] ?? [],
      (emails) => emails.length === 3,
    );
    const [shownGroup] = await scimify.settled(integration);
    expect(shownGroup.remote).toMatchObject({ ownership: 'created' });
  });

  it('that PagerDuty does not let go stays visible with its reason, and goes once it may', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    const { id } = scimify.pagerDuty.team('On-call')!;
    scimify.pagerDuty.associate(id, 'Schedules');
    await integration.scim.delete(`/Groups/${group}`);
    await scimify.settled(integration, ['blocked']);
    expect(await shown(group)).toMatchObject({
      state: 'blocked',
      reason: 'team_in_use',
      message: expect.stringContaining('Schedules'),
      deletingSince: expect.any(String),
      nextAttemptAt: expect.any(String),
    });
    expect((await integration.scim.get(`/Groups/${group}`)).status).toBe(404);
    scimify.pagerDuty.dissociate(id, 'Schedules');
    expect((await retry(group)).status).toBe(202);
    await untilGone();
    expect(scimify.teams()).toEqual({});
  });

  it('whose deletion is pending goes over to a new group of its name, and is not deleted any more', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const { id } = scimify.pagerDuty.team('On-call')!;
    scimify.pagerDuty.associate(id, 'Schedules');
    await integration.scim.delete(`/Groups/${group}`);
    await scimify.settled(integration, ['blocked']);
    const again = await integration.scim.createGroup('on-call', [users.bo!, users.cy!]);
    await scimify.settled(integration);
    expect(scimify.pagerDuty.teams()).toMatchObject([{ id, name: 'on-call' }]);
    expect(scimify.teams()).toEqual({ 'on-call': [email('bo'), email('cy')] });
    expect(await scimify.groups(integration)).toMatchObject([
      { id: again, remote: { ownership: 'created' } },
    ]);
  });

  it.each([
    ['release', { 'On-call': [] }],
    ['leave', { 'On-call': [email('ada')] }],
  ])('is let go as onGroupDelete: %s says', async (onGroupDelete, teams) => {
    await connect({ onGroupDelete });
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    await integration.scim.delete(`/Groups/${group}`);
    await untilGone();
    expect(scimify.teams()).toEqual(teams);
  });

  it('keeps a member whom PagerDuty does not let go, says why, and removes them once it may', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    const { id } = scimify.pagerDuty.team('On-call')!;
    scimify.pagerDuty.associate(id, 'Escalation Policies', { userIds: [personOf('ada')] });
    await integration.scim.removeMembers(group, users.ada!);
    await scimify.settled(integration, ['partial']);
    expect(await shown(group)).toMatchObject({ reason: 'member_on_escalation_policy' });
    expect(
      (await scimify.members(integration, group)).filter(({ state }) => state === 'removing'),
    ).toMatchObject([
      { userId: users.ada, reason: 'member_on_escalation_policy', nextAttemptAt: expect.any(String) },
    ]);
    scimify.pagerDuty.dissociate(id, 'Escalation Policies', { userIds: [personOf('ada')] });
    await retry(group);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('bo')] });
  });

  it('that is to be released stays visible while PagerDuty keeps whom we added, and goes once it does not', async () => {
    const { id } = scimify.pagerDuty.addTeam({ name: 'On-call' });
    scimify.pagerDuty.addMember(id, personOf('dee'));
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.bo!]);
    await scimify.settled(integration);
    scimify.pagerDuty.associate(id, 'Escalation Policies', { userIds: [personOf('ada')] });
    await integration.scim.delete(`/Groups/${group}`);
    await scimify.settled(integration, ['blocked']);
    expect(await shown(group)).toMatchObject({
      reason: 'member_on_escalation_policy',
      deletingSince: expect.any(String),
      nextAttemptAt: expect.any(String),
    });
    expect(await scimify.members(integration, group)).toMatchObject([
      { userId: users.ada, state: 'removing', reason: 'member_on_escalation_policy' },
    ]);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('dee')] });
    scimify.pagerDuty.dissociate(id, 'Escalation Policies', { userIds: [personOf('ada')] });
    await retry(group);
    await untilGone();
    expect(scimify.teams()).toEqual({ 'On-call': [email('dee')] });
  });

  it('that PagerDuty does not let go is let go at once when the policy comes to ask for less', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    scimify.pagerDuty.associate(scimify.pagerDuty.team('On-call')!.id, 'Schedules');
    await integration.scim.delete(`/Groups/${group}`);
    await scimify.settled(integration, ['blocked']);
    const policies = { onGroupDelete: 'release' };
    expect((await scimify.admin.patch(`/integrations/${integration.id}`, { policies })).status).toBe(200);
    await untilGone();
    expect(scimify.teams()).toEqual({ 'On-call': [] });
  });

  describe('of a new group that takes the name which another one gives up', () => {
    let former: string;

    beforeEach(async () => {
      await connect();
      former = await integration.scim.createGroup('Ops', [users.ada!]);
      await integration.scim.createGroup('Other', [users.bo!]);
      await scimify.settled(integration);
    });

    const failRenames = () =>
      scimify.pagerDuty.inject({ method: 'PUT', path: /^\/teams\/[^/]+$/, status: 503 });

    const newOnesStay = async (group: string, state: object) =>
      expect(
        await waitFor(
          'the new group to wait',
          () => shown(group),
          ({ reason }) => reason !== null,
        ),
      ).toMatchObject(state);

    it('is made within seconds, although PagerDuty shows the former name for a while', async () => {
      scimify.pagerDuty.setMembershipReadLag(5_000);
      await integration.scim.renameGroup(former, 'Ops EU');
      await scimify.settled(integration);
      const group = await integration.scim.createGroup('Ops', [users.bo!]);
      await newOnesStay(group, {
        state: 'retrying',
        reason: 'name_not_free_yet',
        message: expect.stringContaining('the group "Ops EU"'),
      });
      await waitFor(
        'the team',
        () => scimify.teams(),
        (teams) => teams.Ops !== undefined,
        40_000,
      );
      await scimify.settled(integration);
      expect(scimify.teams()).toEqual({
        Ops: [email('bo')],
        'Ops EU': [email('ada')],
        Other: [email('bo')],
      });
      const { body } = await scimify.admin.get(`/integrations/${integration.id}/drift`);
      expect(body.items).toEqual([]);
    });

    it('is made as soon as the other one is renamed', async () => {
      const fault = failRenames();
      await integration.scim.renameGroup(former, 'Ops EU');
      const group = await integration.scim.createGroup('Ops', [users.bo!]);
      await newOnesStay(group, { state: 'retrying', reason: 'name_not_free_yet', remote: null });
      fault.remove();
      // Only the other group is tried again.
      await retry(former);
      await scimify.settled(integration);
      expect(scimify.teams()).toMatchObject({ Ops: [email('bo')], 'Ops EU': [email('ada')] });
      expect(scimify.pagerDuty.teams()).toHaveLength(3);
    });

    it('is blocked while PagerDuty refuses the other its new name, and is made once it does not', async () => {
      const { id } = scimify.pagerDuty.addTeam({ name: 'Ops EU' });
      await integration.scim.renameGroup(former, 'Ops EU');
      await waitFor(
        'the refusal',
        () => shown(former),
        ({ reason }) => reason === 'name_taken',
      );
      const group = await integration.scim.createGroup('Ops', [users.bo!]);
      await newOnesStay(group, {
        state: 'blocked',
        reason: 'team_claimed',
        message: expect.stringContaining('the group "Ops EU"'),
      });
      scimify.pagerDuty.removeTeam(id);
      // Only the other group is tried again.
      await retry(former);
      await scimify.settled(integration);
      expect(scimify.teams()).toMatchObject({ Ops: [email('bo')], 'Ops EU': [email('ada')] });
    });

    it('is the one of the other, when that one is deleted instead', async () => {
      const { id } = scimify.pagerDuty.team('Ops')!;
      failRenames();
      await integration.scim.renameGroup(former, 'Ops EU');
      const group = await integration.scim.createGroup('Ops', [users.bo!]);
      await newOnesStay(group, { reason: 'name_not_free_yet' });
      await integration.scim.delete(`/Groups/${former}`);
      await waitFor(
        'the group',
        () => shown(group),
        ({ state }) => state === 'synced',
      );
      expect(await shown(group)).toMatchObject({ remote: { id, name: 'Ops', ownership: 'created' } });
      expect(scimify.teams()).toEqual({ Ops: [email('bo')], Other: [email('bo')] });
    });
  });

  it('says of a stakeholder that they cannot join', async () => {
    await connect();
    scimify.pagerDuty.updateUser(personOf('cy'), { role: 'read_only_user' });
    const group = await integration.scim.createGroup('On-call', [users.ada!, users.cy!]);
    await scimify.settled(integration, ['partial']);
    expect(await scimify.members(integration, group)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ userId: users.cy, state: 'blocked', reason: 'user_is_stakeholder' }),
      ]),
    );
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada')] });
  });

  describe('whose members are to have a role', () => {
    const rolesIn = (team: string) =>
      Object.fromEntries(scimify.pagerDuty.team(team)!.members.map(({ id, role }) => [id, role]));
    const recordedRoles = async () => {
      const rows = await scimify.app
        .get<DataSource>(getDataSourceToken())
        .query('SELECT remoteUserId, role FROM remote_member');
      return Object.fromEntries(
        rows.map(({ remoteUserId, role }: { remoteUserId: string; role: string | null }) => [
          String(remoteUserId),
          role,
        ]),
      );
    };

    it('gives it to whoever it adds but for those whose role is fixed, and leaves alone who is there', async () => {
      scimify.pagerDuty.updateUser(personOf('bo'), { role: 'admin' });
      const team = scimify.pagerDuty.addTeam({ name: 'On-call' });
      scimify.pagerDuty.addMember(team.id, personOf('cy'), 'observer');
      await connect({ memberRole: 'responder' });
      await integration.scim.createGroup('On-call', [users.ada!, users.bo!, users.cy!]);
      await scimify.settled(integration);
      expect(rolesIn('On-call')).toEqual({
        [personOf('ada')]: 'responder',
        [personOf('bo')]: 'manager',
        [personOf('cy')]: 'observer',
      });
      expect(await recordedRoles()).toEqual({
        [personOf('ada')]: 'responder',
        [personOf('bo')]: null,
        [personOf('cy')]: 'observer',
      });
    });

    it('is not asked for unless the policy names one, and only for one that there is', async () => {
      await connect();
      await integration.scim.createGroup('On-call', [users.ada!]);
      await scimify.settled(integration);
      expect(rolesIn('On-call')).toEqual({ [personOf('ada')]: 'manager' });
      const { body } = await scimify.admin.get(`/integrations/${integration.id}`);
      expect(body.policies).toMatchObject({ memberRole: null, unmanagedMembers: 'keep' });
      const refused = await scimify.admin.post(`/tenants/${integration.tenantId}/integrations`, {
        provider: 'pagerduty',
        name: 'PagerDuty',
        settings: { authMethod: 'api_key' },
        secret: 'x'.repeat(20),
        policies: { memberRole: 'owner' },
      });
      expect(refused.status).toBe(400);
    });
  });

  it('waits while the credential is not accepted, and goes on by itself when it is again', async () => {
    await connect();
    const group = await integration.scim.createGroup('On-call', [users.ada!]);
    await scimify.settled(integration);
    const [key] = scimify.pagerDuty.apiKeys();
    scimify.pagerDuty.disableKey(key!.id);
    await integration.scim.addMembers(group, users.bo!);
    const suspended = await waitFor(
      'the integration to be suspended',
      async () => (await scimify.admin.get(`/integrations/${integration.id}`)).body,
      ({ suspension }) => suspension !== null,
    );
    expect(suspended).toMatchObject({
      mode: 'enabled',
      suspension: { reason: 'unauthorized', nextProbeAt: expect.any(String) },
      connection: { status: 'failed', reason: 'unauthorized' },
    });
    scimify.pagerDuty.enableKey(key!.id);
    await scimify.admin.post(`/integrations/${integration.id}/sync`);
    await scimify.settled(integration);
    expect(scimify.teams()).toEqual({ 'On-call': [email('ada'), email('bo')] });
    await waitFor(
      'the suspension to end',
      () => scimify.admin.get(`/integrations/${integration.id}`),
      ({ body }) => body.suspension === null,
    );
  });
});
