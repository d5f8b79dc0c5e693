import type { Simulator } from '../simulator/simulator';
import type { Drift, GroupStatus, HeldChange, PlannedGroup } from './admin-client';
import {
  ADA,
  ADOPTED,
  BEN,
  CHLOE,
  DANA,
  EMIL,
  ALL_PEOPLE,
  FARAH,
  GUS,
  LEFT_ALONE,
  PAGERDUTY_USERS,
  PAYMENTS,
  PAYMENTS_RENAMED,
  PLATFORM,
  fullName,
} from './cast';
import { type Stage, peopleIn, waitUntilSettled } from './stage';
import { waitUntil } from './wait-until';

/** Acme's PagerDuty account before the integration: its users, and two teams created manually. */
export function seedPagerDuty(simulator: Simulator): void {
  for (const person of PAGERDUTY_USERS) {
    simulator.addUser({ email: person.userName, name: fullName(person) });
  }
  for (const { name, members } of [ADOPTED, LEFT_ALONE]) {
    const team = simulator.addTeam({ name, description: 'Made by hand' });
    for (const { userName } of members) simulator.addMember(team.id, idInPagerDuty(simulator, userName));
  }
}

export interface Chapter {
  readonly title: string;
  play(stage: Stage): Promise<void>;
}

/** A week of Acme's on-call, in a few seconds. */
export const STORY: readonly Chapter[] = [
  {
    title: 'Okta tests the connection and assigns seven people',
    play: async ({ narrator, okta }) => {
      await okta.testConnection();
      const [first, ...others] = ALL_PEOPLE;
      await okta.assign(first!);
      const count = await narrator.fold(async () => {
        for (const person of others) await okta.assign(person);
      });
      narrator.folded(count, others.map(({ givenName }) => givenName).join(', '));
    },
  },
  {
    title: 'Okta pushes three groups; a plan shows the changes before Scimify writes to PagerDuty',
    play: async ({ narrator, admin, integrationId, okta }) => {
      await okta.pushGroup(PLATFORM, [ADA, BEN, CHLOE, GUS]);
      const count = await narrator.fold(async () => {
        await okta.pushGroup(PAYMENTS, [ADA, DANA, EMIL]);
        await okta.pushGroup(ADOPTED.name, ADOPTED.members);
      });
      narrator.folded(count, `${PAYMENTS}, ${ADOPTED.name}`);
      for (const group of await admin.plan(integrationId)) tellPlan(narrator, group);
    },
  },
  {
    title: 'An admin enables the integration; one member has no PagerDuty account',
    play: async (stage) => {
      const { mode } = await stage.admin.enable(stage.integrationId);
      stage.narrator.done(`the integration is ${mode}`);
      await waitUntilSettled(stage, { [PLATFORM]: [3, 4], [PAYMENTS]: [3, 3], [ADOPTED.name]: [2, 2] });
    },
  },
  {
    title: `${FARAH.givenName} joins the platform group, ${BEN.givenName} leaves it, and the payments group gets another name`,
    play: async (stage) => {
      await stage.okta.addMembers(PLATFORM, [FARAH]);
      await stage.okta.removeMembers(PLATFORM, [BEN]);
      await stage.okta.rename(PAYMENTS, PAYMENTS_RENAMED);
      await waitUntilSettled(stage, { [PLATFORM]: [3, 4], [PAYMENTS_RENAMED]: [3, 3] });
    },
  },
  {
    title: `${CHLOE.givenName} leaves Acme`,
    play: async (stage) => {
      await stage.okta.deactivate(CHLOE);
      await waitUntilSettled(stage, { [PLATFORM]: [2, 3] });
    },
  },
  {
    title: `PagerDuty is down; meanwhile ${BEN.givenName} takes over from ${DANA.givenName} in payments`,
    play: async (stage) => {
      await outage(stage, async () => {
        await stage.okta.addMembers(PAYMENTS_RENAMED, [BEN]);
        await stage.okta.removeMembers(PAYMENTS_RENAMED, [DANA]);
      });
      await waitUntilSettled(stage, { [PAYMENTS_RENAMED]: [3, 3] });
    },
  },
  {
    title: 'Drift: an admin changes a team manually in PagerDuty',
    play: async (stage) => {
      const { narrator, simulator, admin, integrationId } = stage;
      const { id, name } = simulator.team(ADOPTED.name)!;
      simulator.removeMember(id, idInPagerDuty(simulator, EMIL.userName));
      simulator.addMember(id, idInPagerDuty(simulator, FARAH.userName));
      narrator.note(
        `manually in ${name}: - ${EMIL.givenName}, + ${FARAH.givenName}; then the admin starts a reconciliation`,
      );
      await admin.reconcile(integrationId);
      let found: Drift[] = [];
      await waitUntil(
        'both changes are found',
        async () => (found = await admin.drift(integrationId)).length === 2,
        () => found,
      );
      for (const { kind, message } of found) narrator.done(`${kind}: ${message}`);
      await waitUntilSettled(stage, { [name]: [2, 2] });
    },
  },
  {
    title: 'A held change: Okta empties the payments group by mistake, and an admin decides',
    play: async (stage) => {
      const { narrator, simulator, admin, integrationId, okta } = stage;
      const everybody = [ADA, BEN, EMIL];
      await okta.removeMembers(PAYMENTS_RENAMED, everybody);
      const change = await heldChange(stage, everybody.length);
      narrator.done(`held: ${change.message}`);
      narrator.note(
        `it names ${change.items.map(({ userName }) => userName).join(', ')}; ` +
          `still in the team: ${peopleIn(simulator, PAYMENTS_RENAMED).join(', ')}`,
      );
      await admin.reject(change.id, 'The wrong group was emptied');
      narrator.done('the admin rejects it, and Okta adds the members again');
      await okta.addMembers(PAYMENTS_RENAMED, everybody);
      await waitUntilSettled(stage, { [PAYMENTS_RENAMED]: [3, 3], [PLATFORM]: [2, 3] });
      const count = (await admin.heldChanges(integrationId)).filter(
        ({ decision }) => decision === null,
      ).length;
      if (count > 0) throw new Error(`${count} held changes still wait for a decision`);
    },
  },
];

function tellPlan(narrator: Stage['narrator'], group: PlannedGroup): void {
  const { action, displayName, addMembers, unresolved } = group;
  const joining = addMembers.map(({ userName }) => userName).join(', ') || 'no new members';
  narrator.done(`plan: ${action} ${displayName} with ${joining}`);
  for (const { message } of unresolved) narrator.note(`  ${message}`);
}

/** Every call to PagerDuty fails until a group in Scimify shows the failure. */
async function outage({ narrator, simulator, admin, integrationId }: Stage, meanwhile: () => Promise<void>) {
  const fault = simulator.inject({ status: 503 });
  narrator.note('PagerDuty answers 503 to everything from now on');
  await meanwhile();
  let seen: GroupStatus[] = [];
  await waitUntil(
    'a group shows that PagerDuty is down',
    async () => {
      seen = await admin.groups(integrationId);
      return fault.hits() >= 2 && seen.some(({ state }) => state === 'retrying');
    },
    () => ({ failedCalls: fault.hits(), groups: seen }),
  );
  const waiting = seen.find(({ state }) => state === 'retrying');
  narrator.done('Scimify still answered Okta at once, and keeps the open changes:');
  narrator.note(`${waiting?.displayName} is ${waiting?.state}: ${waiting?.message}`);
  fault.remove();
  narrator.note(`PagerDuty is back after ${fault.hits()} failed calls`);
}

/** Waits until a change of this many people is held for an admin. */
async function heldChange({ admin, integrationId }: Stage, people: number): Promise<HeldChange> {
  let seen: HeldChange[] = [];
  const isIt = ({ decision, items }: HeldChange) => decision === null && items.length === people;
  await waitUntil(
    `a change of ${people} people is held`,
    async () => (seen = await admin.heldChanges(integrationId)).some(isIt),
    () => seen,
  );
  return seen.find(isIt)!;
}

function idInPagerDuty(simulator: Simulator, email: string): string {
  const user = simulator.users().find((one) => one.email === email);
  if (!user) throw new Error(`${email} is not in PagerDuty`);
  return user.id;
}
