/** One person of Acme, as Okta knows them. */
export interface Person {
  readonly userName: string;
  readonly givenName: string;
  readonly familyName: string;
  /** Okta's own id of the user. */
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
/** Assigned in Okta, but nobody made an account for him in PagerDuty. */
export const GUS = person('Gus', 'Lindqvist');

export const EVERYBODY: readonly Person[] = [ADA, BEN, CHLOE, DANA, EMIL, FARAH, GUS];

/** Whom PagerDuty knows. */
export const PAGERDUTY_USERS: readonly Person[] = EVERYBODY.filter((someone) => someone !== GUS);

export const PLATFORM = 'Platform On-call';
export const PAYMENTS = 'Payments On-call';
export const PAYMENTS_RENAMED = 'Payments Reliability';

/** Teams that somebody made in PagerDuty by hand. A group of the same name takes this one over. */
export const ADOPTED = { name: 'Web On-call', members: [DANA, EMIL] } as const;
/** Scimify has no business with this one. */
export const LEFT_ALONE = { name: 'Data On-call', members: [DANA, EMIL] } as const;

export function fullName({ givenName, familyName }: Person): string {
  return `${givenName} ${familyName}`;
}
