import { type ExecutionContext, Injectable, type PipeTransform, createParamDecorator } from '@nestjs/common';
import { parseId } from '../admin-api/id-param';
import type { Admin, AdminRequest } from '../tenants/authentication/admin';
import type { Integration } from './integration.entity';
import { Integrations } from './integrations.service';

/**
 * The integration with the id in the path. An integration that the caller may not see gives 404.
 *
 * @param parameter name of the id in the path
 */
export const IntegrationOf = (parameter: string) => Reference(parameter, VisibleIntegration);

interface IntegrationReference {
  admin: Admin;
  /** As in the path. */
  id: string;
}

const Reference = createParamDecorator(
  (parameter: string, context: ExecutionContext): IntegrationReference => {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const params = request.params as Record<string, string>;
    return { admin: request.admin!, id: params[parameter]! };
  },
);

/**
 * The pipes of a request run side by side. Validation ends before a query does, so a bad body gives 400 also for an
 * integration that the caller may not see.
 */
@Injectable()
class VisibleIntegration implements PipeTransform<IntegrationReference, Promise<Integration>> {
  constructor(private readonly integrations: Integrations) {}

  transform({ admin, id }: IntegrationReference): Promise<Integration> {
    return this.integrations.get(admin, parseId(id));
  }
}
