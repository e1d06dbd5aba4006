export type { Census } from "./census.ts";
export { Ext4Error } from "./errors.ts";
export type { Geometry } from "./geometry.ts";
export type { FsDevice, FsDirectory, FsFile, FsNode, FsSpecial, FsSymlink, FsXattr } from "./input.ts";
export { layoutExt4 } from "./layout.ts";
export { type Ext4Options, type Ext4Plan, minimalExt4Size, planExt4, surveyExt4 } from "./plan.ts";
export { type Ext4Entry, type Ext4Inode, Ext4Reader } from "./reader.ts";
export type { Ext4Superblock } from "./read-superblock.ts";
