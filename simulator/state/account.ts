import { nameKey, storedName } from '../rules/names';
import { PUBLISHED_LIMITS } from '../rules/size-limits';
import { defaultTeamRole, isStakeholder } from '../rules/team-roles';
import type { IdentifierSequence } from './identifiers';
import { NameOrder } from './name-order';
import { ReadLag } from './read-lag';
import {
  StateError,
  type AccountLimits,
  type AssociationKind,
  type BaseRole,
  type DefaultRole,
  type Region,
  type TeamRecord,
  type TeamRole,
  type UserRecord,
} from './records';

/** The source of ids for all accounts of a simulator. It never repeats an id, even after a deletion or a reset. */
export interface IdentifierSource {
  readonly users: IdentifierSequence;
  readonly teams: IdentifierSequence;
  readonly contactMethods: IdentifierSequence;
}

export interface UserFields {
  email: string;
  name: string;
  role: BaseRole;
  jobTitle: string | null;
  description: string | null;
  timeZone: string;
  invitationSent: boolean;
  createdViaSso: boolean;
  billed: boolean;
}

const ABILITIES = ['teams', 'advanced_permissions', 'read_only_users', 'service_support_hours', 'urgencies'];

function checkEmail(email: string): void {
  if (email.length < 6 || email.length > 100 || !/^\S+@\S+$/.test(email)) {
    throw new StateError('invalid', 'email: must be an address of 6 to 100 characters');
  }
}

function userSearchText(user: Pick<UserRecord, 'name' | 'email'>): string {
  return `${user.name}\n${user.email}`.toLowerCase();
}

/**
 * One PagerDuty account: users, teams and memberships. Changes here have almost no checks: the checks of the REST API are
 * in `rules`, so a test can set up a state that the API would refuse.
 */
export class Account {
  readonly users = new Map<string, UserRecord>();
  readonly teams = new Map<string, TeamRecord>();
  readonly abilities = new Set(ABILITIES);
  readonly limits: AccountLimits = { ...PUBLISHED_LIMITS };
  readonly lag = new ReadLag();
  private readonly userIdByEmail = new Map<string, string>();
  private readonly teamIdByNameKey = new Map<string, string>();
  private usersByName = new NameOrder<UserRecord>();
  private teamsByName = new NameOrder<TeamRecord>();

  constructor(
    readonly subdomain: string,
    readonly region: Region,
    private readonly ids: IdentifierSource,
  ) {}

  /** As in the `as_account-` scope: `us.acme`. */
  get identity(): string {
    return `${this.region}.${this.subdomain}`;
  }

  clear(): void {
    this.users.clear();
    this.teams.clear();
    this.userIdByEmail.clear();
    this.teamIdByNameKey.clear();
    this.usersByName = new NameOrder();
    this.teamsByName = new NameOrder();
    this.abilities.clear();
    for (const ability of ABILITIES) this.abilities.add(ability);
    Object.assign(this.limits, PUBLISHED_LIMITS);
    this.lag.set(0);
  }

  usersInOrder(): readonly UserRecord[] {
    return this.usersByName.all();
  }

  teamsInOrder(): readonly TeamRecord[] {
    return this.teamsByName.all();
  }

  /** @param part of name or address, in lower case */
  usersMatching(part: string): readonly UserRecord[] {
    return this.usersByName.matching(part);
  }

  /** @param part of the name, in lower case */
  teamsMatching(part: string): readonly TeamRecord[] {
    return this.teamsByName.matching(part);
  }

  requireUser(id: string): UserRecord {
    const user = this.users.get(id);
    if (!user) throw new StateError('unknown', `no user ${id} in ${this.identity}`);
    return user;
  }

  requireTeam(id: string): TeamRecord {
    const team = this.teams.get(id);
    if (!team) throw new StateError('unknown', `no team ${id} in ${this.identity}`);
    return team;
  }

  teamNamed(name: string): TeamRecord | undefined {
    const id = this.teamIdByNameKey.get(nameKey(name));
    return id === undefined ? undefined : this.teams.get(id);
  }

  userWithEmail(email: string): UserRecord | undefined {
    const id = this.userIdByEmail.get(email.toLowerCase());
    return id === undefined ? undefined : this.users.get(id);
  }

  addUser(fields: UserFields): UserRecord {
    checkEmail(fields.email);
    const emailKey = fields.email.toLowerCase();
    if (this.userIdByEmail.has(emailKey)) throw new StateError('invalid', 'email: has already been taken');
    const name = storedName(fields.name);
    const user: UserRecord = {
      ...fields,
      name,
      id: this.ids.users.next(),
      contactMethodId: this.ids.contactMethods.next(),
      teamIds: new Set(),
      orderKey: nameKey(name),
      searchText: userSearchText({ name, email: fields.email }),
    };
    this.users.set(user.id, user);
    this.userIdByEmail.set(emailKey, user.id);
    this.usersByName.add(user);
    return user;
  }

  updateUser(id: string, patch: Partial<UserFields>): UserRecord {
    const user = this.requireUser(id);
    if (patch.email !== undefined) {
      checkEmail(patch.email);
      const emailKey = patch.email.toLowerCase();
      const holder = this.userIdByEmail.get(emailKey);
      if (holder !== undefined && holder !== id) {
        throw new StateError('invalid', 'email: has already been taken');
      }
      this.userIdByEmail.delete(user.email.toLowerCase());
      this.userIdByEmail.set(emailKey, id);
    }
    Object.assign(
      user,
      Object.fromEntries(Object.entries<unknown>(patch).filter(([, value]) => value !== undefined)),
    );
    user.name = storedName(user.name);
    user.orderKey = nameKey(user.name);
    user.searchText = userSearchText(user);
    this.usersByName.changed();
    return user;
  }

  removeUser(id: string): void {
    const user = this.requireUser(id);
    for (const teamId of user.teamIds) {
      const team = this.teams.get(teamId);
      team?.members.delete(id);
      for (const people of team?.associations.values() ?? []) people.delete(id);
    }
    this.users.delete(id);
    this.userIdByEmail.delete(user.email.toLowerCase());
    this.usersByName.remove(user);
  }

  addTeam(fields: {
    name: string;
    description: string | null;
    defaultRole: DefaultRole;
    visibleFrom: number;
  }): TeamRecord {
    const name = storedName(fields.name);
    this.checkTeamName(name);
    const team: TeamRecord = {
      id: this.ids.teams.next(),
      name,
      description: fields.description,
      defaultRole: fields.defaultRole,
      members: new Map(),
      associations: new Map(),
      visibleFrom: fields.visibleFrom,
      orderKey: nameKey(name),
      searchText: name.toLowerCase(),
    };
    this.teams.set(team.id, team);
    this.teamIdByNameKey.set(team.orderKey, team.id);
    this.teamsByName.add(team);
    return team;
  }

  updateTeam(
    id: string,
    patch: { name?: string; description?: string | null; defaultRole?: DefaultRole },
  ): TeamRecord {
    const team = this.requireTeam(id);
    if (patch.name !== undefined) this.checkTeamName(patch.name, id);
    this.lag.fieldsWillChange(team);
    if (patch.name !== undefined) {
      this.teamIdByNameKey.delete(team.orderKey);
      team.name = storedName(patch.name);
      team.orderKey = nameKey(team.name);
      team.searchText = team.name.toLowerCase();
      this.teamIdByNameKey.set(team.orderKey, id);
      this.teamsByName.changed();
    }
    if (patch.description !== undefined) team.description = patch.description;
    if (patch.defaultRole !== undefined) team.defaultRole = patch.defaultRole;
    return team;
  }

  removeTeam(id: string): void {
    const team = this.requireTeam(id);
    for (const userId of team.members.keys()) this.users.get(userId)?.teamIds.delete(id);
    this.teams.delete(id);
    this.teamIdByNameKey.delete(team.orderKey);
    this.teamsByName.remove(team);
  }

  setMember(teamId: string, userId: string, role: TeamRole): void {
    const team = this.requireTeam(teamId);
    const user = this.requireUser(userId);
    const before = team.members.get(userId);
    if (before === role) return;
    this.lag.memberWillChange(teamId, userId, before);
    team.members.set(userId, role);
    user.teamIds.add(teamId);
  }

  removeMember(teamId: string, userId: string): void {
    const team = this.requireTeam(teamId);
    const before = team.members.get(userId);
    if (before === undefined) throw new StateError('unknown', `user ${userId} is not on team ${teamId}`);
    this.lag.memberWillChange(teamId, userId, before);
    team.members.delete(userId);
    this.users.get(userId)?.teamIds.delete(teamId);
  }

  /**
   * Adds users to an escalation policy, schedule … of the team. PagerDuty then makes them members of the team, so a team
   * can have members that the IdP does not know.
   */
  associate(teamId: string, kind: AssociationKind, userIds: readonly string[]): void {
    const team = this.requireTeam(teamId);
    const users = userIds.map((id) => this.requireUser(id));
    const people = team.associations.get(kind) ?? new Set<string>();
    team.associations.set(kind, people);
    for (const user of users) {
      people.add(user.id);
      if (!team.members.has(user.id) && !isStakeholder(user.role)) {
        this.setMember(teamId, user.id, defaultTeamRole(user.role));
      }
    }
  }

  /** @param userIds the users to remove; without it the whole association ends */
  dissociate(teamId: string, kind: AssociationKind, userIds?: readonly string[]): void {
    const team = this.requireTeam(teamId);
    if (userIds === undefined) team.associations.delete(kind);
    else for (const userId of userIds) team.associations.get(kind)?.delete(userId);
  }

  private checkTeamName(name: string, ownId?: string): void {
    if (storedName(name) === '') throw new StateError('invalid', "name: can't be blank");
    const holder = this.teamNamed(name);
    if (holder && holder.id !== ownId) throw new StateError('invalid', 'name: has already been taken');
  }
}
