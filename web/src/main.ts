// The first code that runs. It asks for the recording, and only then for the rest of the window:
// while the browser reads that, the server works.

import "./style.css";
import { createApi } from "./api/client";
import { findToken } from "./api/token";
import { parseRoute, servedAs } from "./lib/moment";
import { Link } from "./model/link";

async function start() {
  const window = import("./window");
  const token = await findToken();
  const api = createApi(() => token);
  const link = new Link(api);
  const route = parseRoute(location.hash);
  void link.open(servedAs(route), route.moment);
  await (await window).show(link, api, route);
}

void start();
