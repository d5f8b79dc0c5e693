import type { Simulator } from '../simulator/simulator';
import type { AdminClient, GroupStatus } from './admin-client';
import {
  ADA,
  BEN,
  BY_HAND,
  CHLOE,
  DANA,
  EMIL,
  EVERYBODY,
  FARAH,
  GUS,
  PAGERDUTY_USERS,
  PAYMENTS,
  PAYMENTS_RENAMED,
  PLATFORM,
  fullName,
} from './cast';
import type { Narrator } from './narrator';
import type { OktaSession } from './okta-session';
import { waitUntil } from './wait-until';

/** Acme's PagerDuty before anything is connected: its people, and one team made by hand. */
export function furnishPagerDuty(simulator: Simulator): void {
  const idOf = new Map(
    PAGERDUTY_USERS.map((person) => [
      person,
      simulator.addUser({ email: person.userName, name: fullName(person) }).id,
    ]),
  );
  const team = simulator.addTeam({ name: BY_HAND.name, description: 'Made by hand' });
  for (const person of BY_HAND.members) simulator.addMember(team.id, idOf.get(person)!);
}

interface Stage {
  readonly narrator: Narrator;
  readonly simulator: Simulator;
  readonly admin: AdminClient;
  readonly integrationId: string;
  readonly okta: OktaSession;
}

/** A week of Acme's on-call, in half a minute. */
export async function playStory(stage: Stage): Promise<void> {
  const { narrator, okta } = stage;

  narrator.chapter('Okta tests the connection and assigns seven people');
  await okta.testConnection();
  for (const person of EVERYBODY) await okta.assign(person);

  narrator.chapter('Okta pushes two groups; one member has no PagerDuty account');
  await okta.pushGroup(PLATFORM, [ADA, BEN, CHLOE, GUS]);
  await okta.pushGroup(PAYMENTS, [ADA, DANA, EMIL]);
  await settled(stage, { [PLATFORM]: [3, 4], [PAYMENTS]: [3, 3] });

  narrator.chapter(`${FARAH.givenName} joins the platform rota and ${BEN.givenName} leaves it`);
  await okta.addMember(PLATFORM, FARAH);
  await okta.removeMember(PLATFORM, BEN);
  await settled(stage, { [PLATFORM]: [3, 4] });

  narrator.chapter('The payments group gets another name');
  await okta.rename(PAYMENTS, PAYMENTS_RENAMED);
  await settled(stage, { [PAYMENTS_RENAMED]: [3, 3] });

  narrator.chapter(`${CHLOE.givenName} leaves Acme`);
  await okta.deactivate(CHLOE);
  await settled(stage, { [PLATFORM]: [2, 3] });

  narrator.chapter(
    `PagerDuty is down; meanwhile ${BEN.givenName} takes over from ${DANA.givenName} in payments`,
  );
  await outage(stage, async () => {
    await okta.addMember(PAYMENTS_RENAMED, BEN);
    await okta.removeMember(PAYMENTS_RENAMED, DANA);
  });
  await settled(stage, { [PAYMENTS_RENAMED]: [3, 3], [PLATFORM]: [2, 3] });
}

/** Every call to PagerDuty fails until Scimify has met the failure and says so. */
async function outage({ narrator, simulator, admin, integrationId }: Stage, meanwhile: () => Promise<void>) {
  const fault = simulator.inject({ status: 503 });
  narrator.note('PagerDuty answers 503 to everything from now on');
  await meanwhile();
  let seen: GroupStatus[] = [];
  await waitUntil(
    'a group shows that PagerDuty is away',
    async () => {
      seen = await admin.groups(integrationId);
      return fault.hits() >= 2 && seen.some(({ state }) => state === 'retrying');
    },
    () => ({ failedCalls: fault.hits(), groups: seen }),
  );
  const waiting = seen.find(({ state }) => state === 'retrying');
  narrator.done('Okta was answered at once all the same; Scimify keeps what it owes PagerDuty:');
  narrator.note(`${waiting?.displayName} is ${waiting?.state}: ${waiting?.message}`);
  fault.remove();
  narrator.note(`PagerDuty is back after ${fault.hits()} failed calls`);
}

/** Waits until these groups have nothing left to do that time alone would heal. */
async function settled(
  { narrator, simulator, admin, integrationId }: Stage,
  /** How many are in the team, of how many wanted. */
  groups: Readonly<Record<string, readonly [applied: number, desired: number]>>,
): Promise<void> {
  let seen: GroupStatus[] = [];
  const milliseconds = await waitUntil(
    `the groups are in PagerDuty as ${JSON.stringify(groups)}`,
    async () => {
      seen = await admin.groups(integrationId);
      return Object.entries(groups).every(([name, [applied, desired]]) =>
        seen.some(
          (group) =>
            group.displayName === name &&
            (group.state === 'synced' || group.state === 'partial') &&
            group.appliedGeneration === group.generation &&
            group.members.applied === applied &&
            group.members.desired === desired,
        ),
      );
    },
    () => seen,
  );
  for (const [name, [applied, desired]] of Object.entries(groups)) {
    const state = seen.find((group) => group.displayName === name)?.state;
    const people = simulator.team(name)?.members.map((member) => member.name.split(' ')[0]);
    narrator.done(
      `${name} is ${state}, ${applied} of ${desired} are in the team: ${people?.sort().join(', ')}`,
    );
  }
  narrator.note(`${(milliseconds / 1000).toFixed(1)} s after Okta's last request`);
}
