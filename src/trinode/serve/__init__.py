"""trinode over HTTP: networks in, decisions out, and a page on which one sees why (extra ``serve``)."""
