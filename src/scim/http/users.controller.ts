import { Body, Controller, Delete, Get, Headers, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { v7 as uuid } from 'uuid';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import { type UserRow, Users } from '../../directory/users';
import type { ScimCaller } from '../authentication/scim-authentication';
import { listResponseFrame } from '../messages/list-response';
import { readAttributeLists, readSearchQuery } from '../messages/search-request';
import { applyPatch } from '../patch/apply-patch';
import { readPatchRequest } from '../patch/patch-request';
import { findPage } from '../resources/find-page';
import { etagOf, locationOf } from '../resources/representation';
import { storedUser, userWrite } from '../resources/user-record';
import { UserResources } from '../resources/user-resources';
import { Projection } from '../schema/project';
import { readReplacement, readResource } from '../schema/read-resource';
import { USER } from '../schema/registry';
import { Caller, assertMatches, resourceId, sendJson } from './exchange';
import { WRITE_OPTIONS } from './write-options';

type QueryParameters = Record<string, unknown>;

/** RFC 7644 §3: Users. */
@ApiTags('SCIM')
@Controller('scim/v2/:integrationId/Users')
export class ScimUsersController {
  constructor(
    private readonly users: Users,
    private readonly resources: UserResources,
  ) {}

  @Post()
  async create(
    @Caller() caller: ScimCaller,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(USER, readAttributeLists(query));
    const id = uuid();
    const write = userWrite(id, readResource(USER, body).resource);
    const row = await this.users.create(caller.context, id, write, WRITE_OPTIONS);
    void reply.header('Location', locationOf(caller.baseUrl, USER, row.id));
    await this.send(reply, 201, caller, row, projection);
  }

  @Get()
  async list(
    @Caller() caller: ScimCaller,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const search = readSearchQuery(query);
    const { integrationId } = caller.context;
    const { totalResults, rows } = await findPage(
      this.resources.source(integrationId, caller.baseUrl),
      search,
    );
    const projection = new Projection(USER, search);
    const texts = await this.resources.texts(integrationId, caller.baseUrl, rows, projection);
    const page = { totalResults, startIndex: search.startIndex, itemsPerPage: rows.length };
    const { open, close } = listResponseFrame(page);
    sendJson(reply, 200, open + texts.join(',') + close);
  }

  @Get(':id')
  async get(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const row = await this.users.find(caller.context.integrationId, resourceId('User', id));
    if (!row) throw new ResourceNotFoundError('User', id);
    await this.send(reply, 200, caller, row, new Projection(USER, readAttributeLists(query)));
  }

  @Put(':id')
  async replace(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const userId = resourceId('User', id);
    const projection = new Projection(USER, readAttributeLists(query));
    const row = await this.users.change(
      caller.context,
      userId,
      (current) => {
        assertMatches(ifMatch, etagOf(current));
        const write = userWrite(userId, readReplacement(USER, body, storedUser(current)).resource);
        return write.resource === current.resource ? null : write;
      },
      WRITE_OPTIONS,
    );
    await this.send(reply, 200, caller, row, projection);
  }

  @Patch(':id')
  async modify(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const userId = resourceId('User', id);
    const projection = new Projection(USER, readAttributeLists(query));
    const operations = readPatchRequest(USER, body);
    const row = await this.users.change(
      caller.context,
      userId,
      (current) => {
        assertMatches(ifMatch, etagOf(current));
        const { resource, changed } = applyPatch(USER, storedUser(current), operations);
        return changed ? userWrite(userId, resource) : null;
      },
      WRITE_OPTIONS,
    );
    await this.send(reply, 200, caller, row, projection);
  }

  @Delete(':id')
  async delete(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const accept = (current: UserRow) => assertMatches(ifMatch, etagOf(current));
    await this.users.delete(caller.context, resourceId('User', id), accept, WRITE_OPTIONS);
    void reply.status(204).send();
  }

  private async send(
    reply: FastifyReply,
    status: number,
    { context, baseUrl }: ScimCaller,
    row: UserRow,
    projection: Projection,
  ): Promise<void> {
    const [text] = await this.resources.texts(context.integrationId, baseUrl, [row], projection);
    void reply.header('ETag', etagOf(row));
    sendJson(reply, status, text!);
  }
}
