import { Readable } from 'node:stream';
import { Get, Header, Query, StreamableFile } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiProperty,
  ApiPropertyOptional,
  IntersectionType,
} from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { IdParam } from '../admin-api/id-param';
import { PageInfo, PageQuery, cursorId, cursorOf } from '../admin-api/page';
import { IsText } from '../admin-api/text';
import { IsTime, isoTime, parseTime } from '../admin-api/time';
import { ACTOR_KINDS, type ActorKind } from '../audit/actor';
import type { AuditOutcome } from '../audit/audit-event.entity';
import { type AuditFilter, AuditTrail, type ShownEvent } from '../audit/audit-trail';
import { type Admin, CurrentAdmin, RequiresRole } from './authentication/admin';
import { AdminController } from './authentication/admin-controller';
import { Tenants } from './tenants.service';

const OUTCOMES = ['succeeded', 'failed'] as const;
const NDJSON = 'application/x-ndjson';

class AuditQuery {
  @ApiPropertyOptional({
    enum: ACTOR_KINDS,
    description: 'Kind of the actor. A key may have the same name as an actor of another kind',
  })
  @IsOptional()
  @IsIn(ACTOR_KINDS)
  actorKind?: ActorKind;

  @ApiPropertyOptional({
    description: 'Name or prefix of a key, or `provisioning` for Scimify itself',
    example: 'Okta',
  })
  @IsOptional()
  @IsText(0, 200)
  actor?: string;

  @ApiPropertyOptional({
    description: 'An action, or only its noun: `integration`',
    example: 'integration.enabled',
  })
  @IsOptional()
  @IsText(1, 64)
  action?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  integrationId?: string;

  @ApiPropertyOptional({ example: 'group' })
  @IsOptional()
  @IsText(0, 32)
  targetType?: string;

  @ApiPropertyOptional({ description: 'Id of the group, user, key or other target' })
  @IsOptional()
  @IsText(0, 200)
  targetId?: string;

  @ApiPropertyOptional({ enum: OUTCOMES })
  @IsOptional()
  @IsIn(OUTCOMES)
  outcome?: AuditOutcome;

  @ApiPropertyOptional({ description: 'Start of the period, inclusive' })
  @IsOptional()
  @IsTime()
  since?: string;

  @ApiPropertyOptional({ description: 'End of the period, exclusive' })
  @IsOptional()
  @IsTime()
  until?: string;
}

class AuditPageQuery extends IntersectionType(PageQuery, AuditQuery) {}

class AuditActorView {
  @ApiProperty({ enum: ACTOR_KINDS }) kind: string;
  @ApiProperty({
    description: 'Name of the key, or of a part of Scimify',
    example: 'Okta',
  })
  name: string;
  @ApiProperty({ type: String, nullable: true, example: 'scimify_admin_Ab3dEf' }) keyPrefix: string | null;
}

class AuditTargetView {
  @ApiProperty({ example: 'integration' }) type: string;
  @ApiProperty({ example: '0198c2f4-7d1e-7a3b-9c55-3f1f0a4b8e21' }) id: string;
}

class AuditEventView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'date-time' }) at: string;
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) tenantId: string | null;
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) integrationId: string | null;
  @ApiProperty({ type: AuditActorView }) actor: AuditActorView;
  @ApiProperty({ example: 'integration.enabled' }) action: string;
  @ApiProperty({ type: AuditTargetView }) target: AuditTargetView;
  @ApiProperty({ enum: OUTCOMES }) outcome: AuditOutcome;
  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: '`X-Request-Id` of the answer to the request that caused it',
  })
  requestId: string | null;
  @ApiProperty({ type: Object, nullable: true, description: 'Details that depend on the action' })
  detail: object | null;
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    description: 'Number of attempts. More than one only if each attempt failed in the same way',
  })
  attempts: number;
  @ApiProperty({ format: 'date-time', description: 'Time of the last attempt' }) lastAt: string;
}

class AuditEventPage extends PageInfo {
  @ApiProperty({ type: [AuditEventView] }) items: AuditEventView[];
}

const LIST_DESCRIPTION =
  'If a filter matches few events, a page may have fewer events than `limit`, or none. The list ends when `nextCursor` is null.';
const EXPORT_DESCRIPTION = 'A stream of all events, the oldest first. Each line is one JSON object.';

@AdminController('', 'Audit')
export class AuditEventsController {
  constructor(
    private readonly trail: AuditTrail,
    private readonly tenants: Tenants,
  ) {}

  @Get('tenants/:tenantId/audit-events')
  @RequiresRole('viewer')
  @ApiOperation({
    summary: 'List the audit events of a tenant, the newest first',
    description: LIST_DESCRIPTION,
  })
  @ApiOkResponse({ type: AuditEventPage })
  async list(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Query() query: AuditPageQuery,
  ): Promise<AuditEventPage> {
    await this.tenants.get(admin, tenantId);
    return this.page({ ...filterOf(query), tenantId }, query);
  }

  @Get('tenants/:tenantId/audit-events/export')
  @RequiresRole('viewer')
  @Header('Content-Type', NDJSON)
  @ApiOperation({ summary: 'Export the audit events of a tenant', description: EXPORT_DESCRIPTION })
  @ApiProduces(NDJSON)
  @ApiOkResponse({ type: AuditEventView, description: 'One audit event on each line' })
  async export(
    @CurrentAdmin() admin: Admin,
    @IdParam('tenantId') tenantId: string,
    @Query() query: AuditQuery,
  ): Promise<StreamableFile> {
    await this.tenants.get(admin, tenantId);
    return this.lines({ ...filterOf(query), tenantId });
  }

  @Get('audit-events')
  @RequiresRole('platform')
  @ApiOperation({
    summary: 'List the audit events of all tenants and of the platform, the newest first',
    description: LIST_DESCRIPTION,
  })
  @ApiOkResponse({ type: AuditEventPage })
  listAll(@Query() query: AuditPageQuery): Promise<AuditEventPage> {
    return this.page(filterOf(query), query);
  }

  @Get('audit-events/export')
  @RequiresRole('platform')
  @Header('Content-Type', NDJSON)
  @ApiOperation({
    summary: 'Export the audit events of all tenants and of the platform',
    description: EXPORT_DESCRIPTION,
  })
  @ApiProduces(NDJSON)
  @ApiOkResponse({ type: AuditEventView, description: 'One audit event on each line' })
  exportAll(@Query() query: AuditQuery): StreamableFile {
    return this.lines(filterOf(query));
  }

  private async page(filter: AuditFilter, query: PageQuery): Promise<AuditEventPage> {
    const { events, next } = await this.trail.newest(filter, cursorId(query), query.limit);
    return { items: events.map(present), nextCursor: next === null ? null : cursorOf(next) };
  }

  private lines(filter: AuditFilter): StreamableFile {
    const lines = async function* (events: AsyncIterable<ShownEvent>) {
      for await (const event of events) yield `${JSON.stringify(present(event))}\n`;
    };
    return new StreamableFile(Readable.from(lines(this.trail.all(filter))), { type: NDJSON });
  }
}

function filterOf({ since, until, ...query }: AuditQuery): AuditFilter {
  const { actorKind, actor, action, integrationId, targetType, targetId, outcome } = query;
  return {
    actorKind,
    actor,
    action,
    integrationId: integrationId?.toLowerCase(),
    targetType,
    targetId,
    outcome,
    since: since === undefined ? undefined : parseTime(since),
    until: until === undefined ? undefined : parseTime(until),
  };
}

function present(event: ShownEvent): AuditEventView {
  return {
    id: event.id,
    at: isoTime(event.at),
    tenantId: event.tenantId,
    integrationId: event.integrationId,
    actor: { kind: event.actorKind, name: event.actorName, keyPrefix: event.actorKeyPrefix },
    action: event.action,
    target: { type: event.targetType, id: event.targetId },
    outcome: event.outcome,
    requestId: event.requestId,
    detail: event.detail,
    attempts: event.attempts ?? 1,
    lastAt: isoTime(event.lastAt ?? event.at),
  };
}
