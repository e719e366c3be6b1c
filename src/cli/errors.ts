/** Something that the user can set right. Printed without a stack; the process ends with code 1. */
export class UserError extends Error {}
