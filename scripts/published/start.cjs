// A file of its own, because older Node.js cannot even parse import().
void import("../main.js");
