import { Controller, UseGuards, applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { ADMIN_ROUTES } from './admin-authentication';
import { AdminGuard } from './admin.guard';

/**
 * A controller of the admin API.
 *
 * @param path of its routes below `/api/v1`
 * @param tag of its routes in the OpenAPI document
 */
export const AdminController = (path: string, tag: string): ClassDecorator =>
  applyDecorators(
    Controller(`${ADMIN_ROUTES}/${path}`),
    UseGuards(AdminGuard),
    ApiBearerAuth('adminKey'),
    ApiTags(tag),
  );
