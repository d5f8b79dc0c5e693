import { requestJson } from './http';

export interface CreatedKey {
  readonly id: string;
  readonly token: string;
}

export interface Integration {
  readonly id: string;
  readonly mode: string;
  readonly scimBaseUrl: string;
}

export interface GroupStatus {
  readonly id: string;
  readonly displayName: string;
  readonly state: string;
  readonly reason: string | null;
  readonly message: string | null;
  readonly generation: number;
  readonly appliedGeneration: number;
  readonly nextAttemptAt: string | null;
  readonly members: { readonly desired: number; readonly applied: number; readonly pending: number };
}

export interface MemberStatus {
  readonly userName: string;
  readonly state: string;
  readonly reason: string | null;
  readonly message: string | null;
  readonly nextAttemptAt: string | null;
}

export interface PlannedGroup {
  readonly displayName: string;
  readonly action: string;
  readonly addMembers: readonly { readonly userName: string }[];
  readonly unresolved: readonly { readonly userName: string; readonly message: string }[];
}

export interface HeldChange {
  readonly id: string;
  readonly message: string;
  readonly decision: string | null;
  readonly items: readonly { readonly userName: string | null }[];
}

export interface Drift {
  readonly displayName: string | null;
  readonly kind: string;
  readonly message: string;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** A client of the part of the admin API that the demo needs. */
export class AdminClient {
  constructor(
    private readonly baseUrl: string,
    private readonly key: string,
  ) {}

  createTenant(name: string): Promise<{ id: string }> {
    return this.call('POST', '/tenants', 201, { name });
  }

  createIntegration(
    tenantId: string,
    integration: { provider: string; name: string; settings: object; secret: string },
  ): Promise<Integration> {
    return this.call('POST', `/tenants/${tenantId}/integrations`, 201, integration);
  }

  createScimKey(integrationId: string, name: string): Promise<CreatedKey> {
    return this.call('POST', `/integrations/${integrationId}/scim-keys`, 201, { name });
  }

  enable(integrationId: string): Promise<Integration> {
    return this.call('POST', `/integrations/${integrationId}/enable`, 200);
  }

  groups(integrationId: string): Promise<GroupStatus[]> {
    return this.all(`/integrations/${integrationId}/groups`);
  }

  members(integrationId: string, groupId: string, state: string): Promise<MemberStatus[]> {
    return this.all(`/integrations/${integrationId}/groups/${groupId}/members?state=${state}`);
  }

  async plan(integrationId: string): Promise<readonly PlannedGroup[]> {
    const plan: { groups: readonly PlannedGroup[] } = await this.call(
      'GET',
      `/integrations/${integrationId}/plan`,
      200,
    );
    return plan.groups;
  }

  heldChanges(integrationId: string): Promise<HeldChange[]> {
    return this.all(`/integrations/${integrationId}/held-changes`);
  }

  async reject(heldChangeId: string, reason: string): Promise<void> {
    await this.call('POST', `/held-changes/${heldChangeId}/reject`, 202, { reason });
  }

  async reconcile(integrationId: string): Promise<void> {
    await this.call('POST', `/integrations/${integrationId}/reconcile`, 202);
  }

  drift(integrationId: string): Promise<Drift[]> {
    return this.all(`/integrations/${integrationId}/drift`);
  }

  private async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `${path.includes('?') ? '&' : '?'}cursor=${cursor}`;
      const page: Page<T> = await this.call('GET', path + query, 200);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return items;
  }

  private async call<T>(method: string, path: string, expect: number, body?: object): Promise<T> {
    const answer = await requestJson(method, `${this.baseUrl}/api/v1${path}`, {
      headers: {
        authorization: `Bearer ${this.key}`,
        accept: 'application/json',
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body } : {}),
      expect,
    });
    return answer.body as T;
  }
}
