import type { IntegrationProvider } from '../../src/integrations/provider/integration-provider';

/** How an account is reached. */
export interface Access {
  settings: object;
  secret: string;
}

/** A kind of target with two accounts of it. What is done here is done by hand, in the account that `access` reaches. */
export interface TestTarget {
  provider: IntegrationProvider;
  access: Access;
  /** To another account; there is somebody in both. */
  accessElsewhere: Access;
  /** Everything that an admin may leave out or write in more than one way. */
  goodSettings: readonly object[];
  /** With the fields that are wrong. */
  badSettings: readonly (readonly [settings: object, fields: readonly string[]])[];
  /** Two spellings of one name. */
  equalNames: readonly [string, string];
  addPeople(emails: readonly string[]): string[];
  removePerson(id: string): void;
  addGroup(name: string, memberIds?: readonly string[]): string;
  removeGroup(id: string): void;
  /** By name, with the ids of the members in order. */
  groups(): Record<string, { description: string | null; memberIds: string[] }>;
  close(): Promise<void>;
}
