import { Directory } from '../support/directory';
import { DirectoryProvider } from '../support/directory-provider';
import type { TestTarget } from './test-target';

/** Two directories in memory. */
export async function startDirectory(): Promise<TestTarget> {
  const directory = new Directory();
  const elsewhere = new Directory();
  for (const house of [directory, elsewhere]) house.addPerson('keeper@example.com');
  return {
    provider: new DirectoryProvider(
      new Map([
        ['hq.example', directory],
        ['branch.example', elsewhere],
      ]),
    ),
    access: { settings: { server: 'hq.example' }, secret: directory.password },
    accessElsewhere: { settings: { server: 'branch.example' }, secret: elsewhere.password },
    goodSettings: [{ server: 'hq.example' }, { server: 'HQ.Example' }],
    badSettings: [
      [{}, ['server']],
      [{ server: 7 }, ['server']],
      [{ server: 'not a name', port: 389 }, ['port', 'server']],
    ],
    equalNames: ['Site Reliability', ' site-reliability '],
    addPeople: (emails) => emails.map((email) => directory.addPerson(email)),
    removePerson: (id) => directory.removePerson(id),
    addGroup: (name, memberIds) => directory.addGroup(name, memberIds).id,
    removeGroup: (id) => void directory.groups.delete(id),
    groups: () =>
      Object.fromEntries(
        [...directory.groups.values()].map(({ name, description, memberIds }) => [
          name,
          { description, memberIds: [...memberIds].sort() },
        ]),
      ),
    close: async () => undefined,
  };
}
