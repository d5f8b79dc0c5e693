/** One Okta user of Acme. */
export interface Person {
  readonly userName: string;
  readonly givenName: string;
  readonly familyName: string;
  /** Okta's id of the user. */
  readonly oktaId: string;
}

function person(givenName: string, familyName: string): Person {
  const userName = `${givenName.toLowerCase()}@acme.example`;
  return { userName, givenName, familyName, oktaId: `00u1${givenName.toLowerCase()}0000`.slice(0, 20) };
}

export const ADA = person('Ada', 'Byron');
export const BEN = person('Ben', 'Okafor');
export const CHLOE = person('Chloe', 'Martin');
export const DANA = person('Dana', 'Reyes');
export const EMIL = person('Emil', 'Novak');
export const FARAH = person('Farah', 'Haddad');
/** Assigned in Okta, but has no PagerDuty account. */
export const GUS = person('Gus', 'Lindqvist');

export const ALL_PEOPLE: readonly Person[] = [ADA, BEN, CHLOE, DANA, EMIL, FARAH, GUS];

/** The people with a PagerDuty account. */
export const PAGERDUTY_USERS: readonly Person[] = ALL_PEOPLE.filter((someone) => someone !== GUS);

export const PLATFORM = 'Platform On-call';
export const PAYMENTS = 'Payments On-call';
export const PAYMENTS_RENAMED = 'Payments Reliability';

/** A team created manually in PagerDuty. A group with the same name adopts it. */
export const ADOPTED = { name: 'Web On-call', members: [DANA, EMIL] } as const;
/** A team created manually in PagerDuty. Scimify never changes it. */
export const LEFT_ALONE = { name: 'Data On-call', members: [DANA, EMIL] } as const;

export function fullName({ givenName, familyName }: Person): string {
  return `${givenName} ${familyName}`;
}
