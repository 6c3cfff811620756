// The tutorial on a real node.
import { walkOnNode } from "../support/walk-on-node.ts";

walkOnNode("tutorial.md", "silver up && git switch -qc blog");
