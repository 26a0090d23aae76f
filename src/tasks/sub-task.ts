import { applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { SubTaskHandler, SubTaskOptions } from '../core/sub-task.js';

export const SubTaskMetadata = DiscoveryService.createDecorator<SubTaskOptions>();

/** Makes a class with a `run(input, context)` method a sub-task, and injectable. */
export function SubTask(options: SubTaskOptions) {
  return (target: abstract new (...args: never[]) => SubTaskHandler): void => {
    applyDecorators(Injectable(), SubTaskMetadata(options))(target);
  };
}
