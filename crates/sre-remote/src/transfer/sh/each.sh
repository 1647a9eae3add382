# PATH...: a line for each.
for p do
  if [ -L "$p" ]; then printf 'link - - %s\0' "$p"
  elif [ -d "$p" ]; then printf 'folder - - %s\0' "$p"
  elif [ -f "$p" ]; then
    bytes "$p"
    facts "$p"
    d=-
    if [ "$size" -ge 0 ]; then d=$(first "$size" <"$p" | { digest "$size"; printf %s "$d"; }); fi
    printf 'file:%s %s %s %s\0' "$size" "${f%% *}" "$d" "$p"
  else printf 'special - - %s\0' "$p"
  fi
done
